/// A set of field slots. Every event has three of these, and few schemas have more than 256 slots: up to there a set
/// lies where its owner does.
struct SlotSet: Sendable, Equatable {
    private var near = InlineArray<4, UInt64>(repeating: 0)
    /// By 64 slots, those after `near`.
    private var far: [UInt64] = []

    private var wordCount: Int { near.count + far.count }

    private subscript(word index: Int) -> UInt64 { index < near.count ? near[index] : far[index - near.count] }

    var isEmpty: Bool { count == 0 }

    var count: Int { (0..<wordCount).reduce(0) { $0 + self[word: $1].nonzeroBitCount } }

    func contains(_ slot: Int) -> Bool {
        slot >> 6 < wordCount && self[word: slot >> 6] & 1 << UInt64(slot & 63) != 0
    }

    mutating func insert(_ slot: Int) {
        let bit: UInt64 = 1 << UInt64(slot & 63)
        guard slot >> 6 >= near.count else {
            near[slot >> 6] |= bit
            return
        }
        let index = slot >> 6 - near.count
        while far.count <= index { far.append(0) }
        far[index] |= bit
    }

    /// In rising order.
    func forEach(_ body: (Int) -> Void) {
        for index in 0..<wordCount {
            var rest = self[word: index]
            while rest != 0 {
                body(index << 6 + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
    }

    static func == (one: SlotSet, other: SlotSet) -> Bool {
        one.near.indices.allSatisfy { one.near[$0] == other.near[$0] } && one.far == other.far
    }
}
