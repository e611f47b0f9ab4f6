import Testing

@testable import ChangeEvents

@Suite struct SlotSetTests {
    @Test(arguments: [[], [0], [63, 64, 255], [5, 256, 1000], [1000, 0]])
    func `holds what was inserted, however high`(slots: [Int]) {
        var set = SlotSet()
        for slot in slots + slots { set.insert(slot) }
        var found: [Int] = []
        set.forEach { found.append($0) }
        #expect(found == slots.sorted())
        #expect(set.count == slots.count)
        #expect(set.isEmpty == slots.isEmpty)
        #expect((0..<1100).filter(set.contains) == slots.sorted())
    }

    @Test func `sets are equal that hold the same`() {
        var one = SlotSet()
        var other = SlotSet()
        for slot in [3, 300] { one.insert(slot) }
        #expect(one != other)
        for slot in [300, 3] { other.insert(slot) }
        #expect(one == other)
        other.insert(200)
        #expect(one != other)
    }
}
