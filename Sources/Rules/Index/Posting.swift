/// An entry of a posting list: a rule that the list's predicate alone decides, or a program of further tests.
struct Posting: Sendable {
    private static let programBit: UInt32 = 1 << 31

    private let bits: UInt32

    init(rule: UInt32) { bits = rule }
    init(program: Int) { bits = UInt32(program) | Self.programBit }

    var isRule: Bool { bits & Self.programBit == 0 }
    var rule: UInt32 { bits }
    var program: Int { Int(bits & ~Self.programBit) }
}

/// A run of postings inside a larger array.
struct PostingRange: Sendable {
    var start: UInt32 = 0
    var end: UInt32 = 0

    @inline(__always)
    var indices: Range<Int> { Int(start)..<Int(end) }
}

extension [Posting] {
    mutating func appendRange(_ postings: [Posting]) -> PostingRange {
        let start = UInt32(count)
        self += postings
        return PostingRange(start: start, end: UInt32(count))
    }
}
