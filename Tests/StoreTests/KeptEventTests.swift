import Events
import Testing

@testable import Store

/// Events of which something has no request yet.
@Suite struct KeptEventTests {
    private let scratch = StoreScratch()

    /// The event of `delivery`.
    private func event(of delivery: Delivery, orgID: String? = nil) -> KeptEvent {
        let origin = delivery.origin
        return KeptEvent(
            ConsumerEvent(id: "e", schemaID: "s", replayID: origin.replayID, payload: [0, 255, 1]),
            orgID: orgID ?? origin.orgID, topic: origin.topic, receivedAt: 5)
    }

    private func kept(_ delivery: Delivery, in store: Store) async throws -> KeptEvent? {
        try await store.keptEvent(
            orgID: delivery.origin.orgID, topic: delivery.origin.topic, replayID: delivery.origin.replayID)
    }

    @Test func `one is there as long as a delivery without a request or a dead letter of it is`() async throws {
        let store = try scratch.open()
        let waiting = Sample.stored(1, body: "")
        var letter = Sample.deadLetter
        letter.delivery.origin = waiting.delivery.origin
        var group = CommitGroup()
        group.added = [waiting]
        group.deadLetters = [letter]
        group.kept = [event(of: waiting.delivery)]
        try await store.commit(group, wall: 0)
        #expect(try await kept(waiting.delivery, in: store) == event(of: waiting.delivery))
        try store.close()

        let again = try scratch.open()
        var done = CommitGroup()
        done.removed = [1]
        try await again.commit(done, wall: 0)
        #expect(try await kept(waiting.delivery, in: again) != nil, "the dead letter needs it")
        _ = try await again.editDeadLetter(letter.delivery.id, body: [1], mark: .mark("edited", at: 1))
        _ = try await again.dropDeadLetters(DeadLetterFilter())
        #expect(try await again.keptCount() == 0)
    }

    @Test func `a delivery that dies hands its event on to its dead letter`() async throws {
        let store = try scratch.open()
        let waiting = Sample.stored(1, body: "")
        var group = CommitGroup()
        group.added = [waiting]
        group.kept = [event(of: waiting.delivery)]
        try await store.commit(group, wall: 0)
        var letter = Sample.deadLetter
        letter.delivery = waiting.delivery
        var died = CommitGroup()
        died.deadLetters = [letter]
        died.removed = [1]
        try await store.commit(died, wall: 0)
        #expect(try await kept(waiting.delivery, in: store) != nil)
        #expect(try await store.markResending(deadLetters: [waiting.delivery.id], token: "t") == [waiting.delivery.id])
        var sent = CommitGroup()
        let key = Cursor.Key(org: "", topic: "", scope: .resend("t"))
        sent.cursors[key] = Cursor(
            key: key, orgID: "", instanceURL: "", replayID: ReplayID([0])!, commitTime: nil, updatedAt: 0)
        sent.added = [Sample.stored(2, body: "{}")]
        try await store.commit(sent, wall: 0)
        #expect(try await store.keptCount() == 0, "it has a request now")
    }

    @Test func `what was delivered before the commit keeps nothing, nor what has a request, nor another org`() async throws {
        let store = try scratch.open()
        let ready = Sample.stored(1)
        let waiting = Sample.stored(2, body: "")
        var group = CommitGroup()
        group.added = [ready, waiting]
        group.kept = [
            event(of: ready.delivery), event(of: Sample.stored(3, body: "").delivery),
            event(of: waiting.delivery, orgID: "00D000000000002AAA"), event(of: waiting.delivery),
            event(of: waiting.delivery),
        ]
        try await store.commit(group, wall: 0)
        #expect(try await store.keptCount() == 1)
        #expect(try await kept(waiting.delivery, in: store) != nil)
    }
}
