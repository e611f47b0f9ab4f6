import Testing

@testable import Relay

@Suite struct TurnQueueTests {
    private func lane(_ name: String) -> Lane { Lane(name: name, topic: String(name.prefix(1)), loadedThrough: 0) }

    private func order(_ queue: inout TurnQueue) -> [String] {
        var names: [String] = []
        while let lane = queue.popFirst() { names.append(lane.name) }
        return names
    }

    @Test func `topics take turns, lanes of a topic go in the order of their coming`() {
        var queue = TurnQueue()
        for name in ["a1", "a2", "a3", "a4", "b1", "c1", "b2"] { queue.append(lane(name)) }
        #expect(queue.count == 7)
        #expect(order(&queue) == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"])
        #expect(queue.isEmpty)
    }

    @Test func `who goes back to the front is next`() {
        var queue = TurnQueue()
        for name in ["a1", "b1", "b2"] { queue.append(lane(name)) }
        let first = queue.popFirst()!
        queue.prepend(first)
        #expect(order(&queue) == ["a1", "b1", "b2"])
    }

    @Test func `a topic that is empty for a while takes no turn`() {
        var queue = TurnQueue()
        queue.append(lane("a1"))
        _ = queue.popFirst()
        for name in ["b1", "b2", "a2"] { queue.append(lane(name)) }
        #expect(order(&queue) == ["b1", "a2", "b2"])
    }
}
