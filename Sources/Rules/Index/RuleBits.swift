/// A set of rule numbers that gives them back in order and empties itself. Two levels, so that both cost as much as there
/// are members, not as there are rules.
///
/// Belongs to one matcher, which one thread uses at a time.
struct RuleBits: ~Copyable {
    private let words: UnsafeMutablePointer<UInt64>
    /// One bit for each word that is not zero.
    private let summary: UnsafeMutablePointer<UInt64>
    private let blocks: Int

    init(count: Int) {
        let wordCount = (count + 63) / 64
        words = .allocate(capacity: wordCount)
        words.initialize(repeating: 0, count: wordCount)
        blocks = (wordCount + 63) / 64
        summary = .allocate(capacity: blocks)
        summary.initialize(repeating: 0, count: blocks)
    }

    deinit {
        words.deallocate()
        summary.deallocate()
    }

    @inline(__always)
    func contains(_ number: Int) -> Bool { words[number >> 6] & 1 << UInt64(number & 63) != 0 }

    @inline(__always)
    func insert(_ number: Int) {
        words[number >> 6] |= 1 << UInt64(number & 63)
        summary[number >> 12] |= 1 << UInt64(number >> 6 & 63)
    }

    /// Moves all members into `output`, ascending.
    ///
    /// - Returns: how many.
    func drain(into output: UnsafeMutableBufferPointer<UInt32>) -> Int {
        var count = 0
        for block in 0..<blocks {
            var nonZero = summary[block]
            guard nonZero != 0 else { continue }
            summary[block] = 0
            while nonZero != 0 {
                let index = block << 6 + nonZero.trailingZeroBitCount
                nonZero &= nonZero - 1
                var word = words[index]
                words[index] = 0
                while word != 0 {
                    output[count] = UInt32(index << 6 + word.trailingZeroBitCount)
                    count += 1
                    word &= word - 1
                }
            }
        }
        return count
    }
}
