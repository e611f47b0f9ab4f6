/// Everything that was decided, as one number; in words as well when somebody wants to read it.
///
/// Unchecked: see `Machine`.
final class Trace: @unchecked Sendable {
    /// FNV-1a over all decisions.
    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    private let print: ((String) -> Void)?

    /// - Parameter hash: goes on from there.
    init(_ hash: UInt64?) {
        self.hash = hash ?? self.hash
        print = nil
    }

    /// - Parameter print: nil says nothing.
    init(print: ((String) -> Void)?) { self.print = print }

    var isSpoken: Bool { print != nil }

    func mix(_ number: UInt64) {
        hash = (hash ^ number) &* 0x0000_0100_0000_01B3
        hash ^= hash >> 29
    }

    /// - Parameter details: only worked out when somebody reads it; not part of the number.
    func note(_ moment: Int64, _ what: StaticString, _ details: @autoclosure () -> String = "") {
        mix(UInt64(what.utf8CodeUnitCount))
        for offset in 0..<what.utf8CodeUnitCount { mix(UInt64(what.utf8Start[offset])) }
        say(moment, "\(what)  \(details())")
    }

    /// Words alone.
    func say(_ moment: Int64, _ words: @autoclosure () -> String) {
        guard let print else { return }
        print("\(Double(moment) / 1000)  \(words())")
    }
}
