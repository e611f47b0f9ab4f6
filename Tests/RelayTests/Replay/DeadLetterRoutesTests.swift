import Events
import Rules
import Store
import Testing

@testable import Relay

@Suite(.timeLimit(.minutes(15))) struct DeadLetterRoutesTests {
    private func letter(_ number: Int, lane: String = "a", reason: DeadLetter.Reason = .rejected) -> DeadLetter {
        DeadLetter(
            delivery: Make.delivery(number, lane: lane), reason: reason, detail: "400: no", attempts: 2,
            history: [AttemptRecord(number: 2, at: 5, status: 400, reason: "no", headers: ["retry-after: 3"])],
            diedAt: 100 + Int64(number))
    }

    private static func rules(about entity: String, bodies: BodyDisplay = .full, body: String) -> String {
        """
        sluice: 1
        destinations:
          hook: {kind: webhook, url: "https://hooks.example.com/x"}
        rules:
          - id: sample-changed
            match: {entity: \(entity), change: [update]}
            onGap: skip
            bodies: \(bodies.rawValue)
            to: {destination: hook, body: \(body)}

        """
    }

    private func bench(_ letters: [DeadLetter], daemon: Bool = true) async throws -> ReplayBench {
        let bench = try await ReplayBench(daemon: daemon)
        var group = CommitGroup()
        group.deadLetters = letters
        try await bench.store.commit(group, wall: 0)
        return bench
    }

    @Test func `what is sent again goes in its original order, under its ID, and leaves the table`() async throws {
        let bench = try await bench((1...5).map { letter($0) } + [letter(9, lane: "b")])
        var filter = DeadLetterFilter()
        filter.before = 106
        let outcome: DeadLetterOutcome = try await bench.ask("dlq.retry", filter)
        #expect(outcome.count == 5 && outcome.skippedCount == 0)
        try await bench.settled()
        #expect(bench.sink.delivered == (1...5).map { "sl_\($0)" })
        #expect(try await bench.store.deadLetters().map(\.delivery.id) == ["sl_9"])
    }

    @Test func `one that dies again keeps all of its attempts, and its place`() async throws {
        let bench = try await bench([letter(1), letter(2)])
        let first: DeadLetterOutcome = try await bench.ask("dlq.retry", DeadLetterFilter(ids: ["sl_1"]))
        #expect(first.count == 1)
        try await bench.settled()
        var group = CommitGroup()
        group.deadLetters = [letter(1)]
        try await bench.store.commit(group, wall: 0)
        let detail: DeadLetterDetail = try await bench.ask("dlq.show", DeadLetterQuestion(id: "sl_1", body: .full))
        #expect(detail.line.attempts == 4 && detail.history.map(\.number) == [2, 0, 2])
        #expect(detail.history[0].headers == ["retry-after: 3"])
        let order = try await bench.store.deadLetters(DeadLetterFilter(), newestFirst: false)
        #expect(order.map(\.letter.delivery.id) == ["sl_1", "sl_2"])
    }

    @Test func `a crash before the commit leaves it a dead letter`() async throws {
        let scratch = Scratch()
        let first = try await ReplayBench(scratch: scratch)
        var group = CommitGroup()
        group.deadLetters = [letter(1)]
        try await first.store.commit(group, wall: 0)
        first.sink.close()
        let outcome: DeadLetterOutcome = try await first.ask("dlq.retry", DeadLetterFilter(ids: ["sl_1"]))
        #expect(outcome.count == 1)
        let again: DeadLetterOutcome = try await first.ask("dlq.retry", DeadLetterFilter(ids: ["sl_1"]))
        #expect(again.count == 0, "it is being sent again already")
        try await first.bench.crash()
        first.sink.open()
        let second = try await ReplayBench(scratch: scratch)
        let list: DeadLetterList = try await second.ask("dlq.list", DeadLetterFilter())
        #expect(list.letters.map(\.id) == ["sl_1"] && list.letters[0].isResending == false)
    }

    @Test func `without a relay it goes back to the outbox, for the next one`() async throws {
        let bench = try await bench((1...3).map { letter($0) }, daemon: false)
        let outcome: DeadLetterOutcome = try await bench.ask("dlq.retry", DeadLetterFilter(ids: ["sl_3", "sl_1"]))
        #expect(outcome.count == 2 && outcome.waitsForRelay)
        #expect(try await bench.bench.rows() == ["sl_1", "sl_3"])
        #expect(try await bench.store.deadLetters().map(\.delivery.id) == ["sl_2"])
    }

    @Test func `an edited body is sent under the same ID, and the list of attempts says so`() async throws {
        var known = letter(1)
        known.delivery.rule = "sample-changed"
        let bench = try await bench([known, letter(2)])
        await #expect(throws: ControlError.self) {
            try await bench.ask(
                "dlq.edit", DeadLetterEdit(id: "sl_1", body: [UInt8]("no json".utf8), resends: true),
                as: DeadLetterOutcome.self)
        }
        let edit = DeadLetterEdit(id: "sl_1", body: [UInt8](#"{"n":7,"s":"secret"}"#.utf8), resends: false)
        _ = try await bench.ask("dlq.edit", edit, as: DeadLetterOutcome.self)
        let full: DeadLetterDetail = try await bench.ask("dlq.show", DeadLetterQuestion(id: "sl_1", body: .full))
        #expect(full.body == #"{"n":7,"s":"secret"}"# && full.history.last?.number == 0)
        let masked: DeadLetterDetail = try await bench.ask("dlq.show", DeadLetterQuestion(id: "sl_1", body: .redacted))
        #expect(masked.body == #"{"n":"<number>","s":"<text of 6>"}"#)
        let none: DeadLetterDetail = try await bench.ask("dlq.show", DeadLetterQuestion(id: "sl_1", body: .none))
        #expect(none.body == nil)
        // Its rule is gone, and may have said that its bodies are not to be shown.
        let gone: DeadLetterDetail = try await bench.ask("dlq.show", DeadLetterQuestion(id: "sl_2", body: .full))
        #expect(gone.isLimited && gone.body?.contains("<") == true)
        _ = try await bench.ask("dlq.retry", DeadLetterFilter(ids: ["sl_1"]), as: DeadLetterOutcome.self)
        try await bench.settled()
        #expect(bench.sink.delivered == ["sl_1"])
    }

    @Test func `what was edited is not taken for the same delivery that waits, since its event came again`() async throws {
        let bench = try await bench([letter(1), letter(2)])
        bench.sink.close()
        try await bench.bench.outbox.accept(Make.batch([Make.delivery(1), Make.delivery(2)], cursor: 2))
        let edit = DeadLetterEdit(id: "sl_1", body: [UInt8](#"{"n":7}"#.utf8), resends: true)
        let edited = try await bench.ask("dlq.edit", edit, as: DeadLetterOutcome.self)
        #expect(edited.count == 0 && edited.skipped.map(\.reason) == [DeadLetterDesk.waitsOtherwise])
        // Of this one, the delivery that waits says all.
        let same = try await bench.ask("dlq.retry", DeadLetterFilter(ids: ["sl_2"]), as: DeadLetterOutcome.self)
        #expect(same.count == 1 && same.skippedCount == 0)
        await bench.bench.outbox.flush()
        bench.sink.open()
        try await bench.settled()
        #expect(bench.sink.delivered == ["sl_1", "sl_2"])
        let again = try await bench.ask("dlq.retry", DeadLetterFilter(ids: ["sl_1"]), as: DeadLetterOutcome.self)
        #expect(again.count == 1)
        try await bench.settled()
        #expect(bench.sink.delivered == ["sl_1", "sl_2", "sl_1"])
    }

    @Test(arguments: [("redacted", #"{"n":"<number>","s":"<text of 6>"}"#), ("none", nil), ("full", #"{"n":7,"s":"secret"}"#)])
    func `a rule decides how much of its bodies is shown at most`(most: String, shown: String?) async throws {
        let rules = IngestBench.rules.replacing("  - id: sample-changed", with: "  - id: orders\n    bodies: \(most)")
        let bench = try await ReplayBench(rules: rules)
        var letter = letter(1)
        letter.delivery.rule = "orders"
        letter.delivery.body = [UInt8](#"{"n":7,"s":"secret"}"#.utf8)
        var group = CommitGroup()
        group.deadLetters = [letter]
        try await bench.store.commit(group, wall: 0)
        let detail: DeadLetterDetail = try await bench.ask("dlq.show", DeadLetterQuestion(id: "sl_1", body: .full))
        #expect(detail.body == shown && detail.isLimited == (most != "full"))
    }

    @Test func `what goes to a destination that is gone is not sent, and says how to go on`() async throws {
        var gone = letter(1)
        gone.delivery.destination = "old-hook"
        var moved = letter(3)
        (moved.delivery.destination, moved.delivery.rule) = ("old-hook", "sample-changed")
        let bench = try await bench([gone, letter(2), moved])
        let outcome: DeadLetterOutcome = try await bench.ask("dlq.retry", DeadLetterFilter())
        #expect(outcome.count == 1 && outcome.skippedCount == 2)
        #expect(outcome.skipped.allSatisfy { $0.reason.contains("'old-hook'") })
        #expect(outcome.skipped.map { $0.reason.contains("--render") } == [false, true], "no rule would render the first")
        #expect(outcome.skipped[0].reason.contains("its rule 'orders' is gone as well"))
        try await bench.settled()
        #expect(Set(try await bench.store.deadLetters().map(\.delivery.id)) == ["sl_1", "sl_3"])
    }

    @Test func `filters choose, and dropping forgets only those`() async throws {
        var other = letter(7, lane: "b", reason: .exhausted)
        other.delivery.rule = "invoices"
        let bench = try await bench([letter(1), letter(2), other])
        var filter = DeadLetterFilter()
        filter.reason = "exhausted"
        #expect(try await bench.ask("dlq.list", filter, as: DeadLetterList.self).letters.map(\.id) == ["sl_7"])
        for (topic, count) in [("ChangeEvents", 3), (Make.key.topic, 3), ("Events", 0)] {
            filter = DeadLetterFilter()
            filter.topic = topic
            #expect(try await bench.ask("dlq.list", filter, as: DeadLetterList.self).count == count, "\(topic)")
        }
        filter = DeadLetterFilter()
        filter.rule = "orders"
        filter.limit = 1
        #expect(try await bench.ask("dlq.list", filter, as: DeadLetterList.self).count == 2)
        #expect(try await bench.ask("dlq.drop", filter, as: DeadLetterOutcome.self).count == 1)
        #expect(try await bench.store.deadLetters().map(\.delivery.id) == ["sl_7", "sl_2"])
        filter.reason = "tired"
        let wrong = filter
        await #expect(throws: ControlError.self) { try await bench.ask("dlq.list", wrong, as: DeadLetterList.self) }
    }

    @Test(arguments: ["dlq.drop", "dlq.retry", "dlq.list"])
    func `an ID that is none, or the beginning of all, does nothing to any`(route: String) async throws {
        let bench = try await bench([letter(1), letter(2)])
        for (ids, words) in [
            ([""], "the beginning of every ID"), (["sl_"], "the beginning of every ID"), (["sl_1", "sl_9"], "no dead letter 'sl_9'"),
            (["xyz"], "no dead letter 'xyz'"),
        ] {
            await #expect(throws: ControlError.self) {
                do {
                    _ = try await bench.ask(route, DeadLetterFilter(ids: ids), as: DeadLetterOutcome.self)
                } catch let error as ControlError {
                    #expect(error.message.contains(words))
                    throw error
                }
            }
        }
        #expect(try await bench.store.deadLetters().count == 2 && bench.sink.delivered.isEmpty)
    }

    @Test func `an event that is gathered has no request to edit`() async throws {
        var claim = letter(1)
        claim.delivery.target = .batch(
            BatchClaim(
                deliveryIndex: 0, key: "k", isLatest: false, quietMilliseconds: 1, maximumMilliseconds: 1, limit: 1,
                transactionKey: nil))
        let bench = try await bench([claim])
        let edit = DeadLetterEdit(id: "sl_1", body: [UInt8]("{}".utf8), resends: true)
        await #expect {
            try await bench.ask("dlq.edit", edit, as: DeadLetterOutcome.self)
        } throws: {
            "\($0)".contains("gathered for a batch")
        }
        #expect(try await bench.store.deadLetters().map(\.delivery.body) == [claim.delivery.body])
    }

    @Test func `nothing is not the ID of the only one`() async throws {
        let bench = try await bench([letter(1)])
        let edit = DeadLetterEdit(id: "", body: [UInt8]("{}".utf8), resends: true)
        await #expect(throws: ControlError.self) { try await bench.ask("dlq.edit", edit, as: DeadLetterOutcome.self) }
        #expect(try await bench.store.deadLetters().map(\.delivery.body) == [Make.delivery(1).body])
    }

    @Test func `a name that nothing has is not answered with nought`() async throws {
        let bench = try await bench([letter(1)])
        func said(_ route: String, _ change: (inout DeadLetterFilter) -> Void) async throws -> String? {
            var filter = DeadLetterFilter()
            change(&filter)
            do {
                _ = try await bench.ask(route, filter, as: DeadLetterOutcome?.self)
                return nil
            } catch let error as ControlError {
                return error.message
            } catch is DecodingError {
                return nil  // a list
            }
        }
        for route in ["dlq.list", "dlq.retry", "dlq.drop"] {
            let gone = try await said(route) { $0.rule = "order" }
            #expect(gone?.contains("no rule is named 'order'") == true && gone?.contains("did you mean 'orders'?") == true)
            let nowhere = try await said(route) { $0.destination = "nowhere" }
            #expect(nowhere?.contains("no destination is named 'nowhere'") == true && nowhere?.contains("There is") == true)
            // Known to today's rules only, and to a dead letter only: no mistake, even where nothing matches.
            #expect(try await said(route) { $0.rule = "sample-changed" } == nil)
            #expect(
                try await said(route) {
                    $0.rule = "orders"
                    $0.since = .max
                } == nil)
            let reason = try await said(route) { $0.reason = "exausted" }
            #expect(
                reason == "'exausted' is not a reason (did you mean 'exhausted'?): a dead letter is rendering, rejected, "
                    + "exhausted or dropped.")
        }
        for route in ["quarantine.list", "quarantine.retry", "quarantine.drop"] {
            #expect(try await said(route) { $0.rule = "orders" }?.contains("leave --rule") == true, "\(route)")
        }
        for route in ["dlq.list", "dlq.retry", "dlq.drop", "quarantine.list", "quarantine.retry", "quarantine.drop"] {
            #expect(try await said(route) { $0.topic = "/ChangeEvents" } != nil, "\(route): what comes after a slash, without it")
            let topic = try await said(route) { $0.topic = "ChangeEvent" }
            #expect(topic?.contains("nothing is known of a topic 'ChangeEvent': did you mean 'ChangeEvents'?") == true, "\(route)")
            // It may be subscribed to, and nothing have come of it yet.
            #expect(try await said(route) { $0.topic = "Order__chn" } == nil, "\(route)")
        }
    }

    @Test func `an org's dead letters are found by its alias and by its ID`() async throws {
        var other = letter(2)
        other.delivery.origin.orgID = "00D000000000002EAA"
        let bench = try await bench([letter(1), other])
        var group = CommitGroup()
        var cursor = Make.cursor(1)
        cursor.key.org = "test"
        cursor.orgID = other.delivery.origin.orgID
        group.cursors[cursor.key] = cursor
        try await bench.store.commit(group, wall: 0)
        func list(_ org: String?, _ route: String = "dlq.list") async throws -> DeadLetterList {
            var filter = DeadLetterFilter()
            filter.org = org
            return try await bench.ask(route, filter)
        }
        #expect(try await list(nil).letters.map(\.org) == ["test", "prod"])
        // Salesforce shows it with 15 characters as well.
        for name in ["test", "00D000000000002EAA", "00D000000000002"] {
            #expect(try await list(name).letters.map(\.id) == ["sl_2"], "\(name)")
        }
        #expect(try await list("00D000000000003EAA").count == 0)
        let error = await #expect(throws: ControlError.self) { _ = try await list("tset") }
        #expect(error?.message.contains("no org is named 'tset': did you mean 'test'?") == true)
        var filter = DeadLetterFilter()
        filter.org = "test"
        #expect(try await bench.ask("dlq.drop", filter, as: DeadLetterOutcome.self).count == 1)
        #expect(try await list(nil).letters.map(\.id) == ["sl_1"])
    }

    @Test func `a delivery that could not be rendered is rendered by today's rules, from the journal`() async throws {
        let broken = Self.rules(about: "Sample__c", body: #"{id: "${record.Missing__c}"}"#)
        let bench = try await ReplayBench(rules: broken)
        try await bench.live(0..<3)
        let delivered = bench.sink.delivered.count
        // As the broken rules would have left it.
        let replayed = try await bench.replay(ReplayRequest(.replayID(Make.replayID(1).description)))
        #expect(replayed.failures == 1 && replayed.deliveries == 0)
        let dead = try await bench.store.deadLetters()
        #expect(dead.map(\.reason) == [.rendering])
        let still: DeadLetterOutcome = try await bench.ask("dlq.retry", DeadLetterFilter(ids: [dead[0].delivery.id]))
        #expect(still.count == 0 && still.skipped[0].reason.contains("still cannot be rendered"))
        #expect(bench.sink.delivered.count == delivered)
    }

    // MARK: Quarantine

    @Test func `a quarantined event is decoded again and delivered as if it had just come`() async throws {
        let bench = try await ReplayBench()
        let event = try ReplayEvents.event(4)
        let good = QuarantinedEvent(
            org: "prod", topic: Make.key.topic, replayID: event.replayID, schemaID: event.schemaID, eventID: "e4",
            payload: event.payload, reason: "no schema", at: 1)
        var bad = good
        bad.replayID = Make.replayID(5)
        bad.payload = [0xFF]
        var cursors = CommitGroup()
        cursors.quarantine = [good, bad]
        cursors.cursors[Make.key] = Make.cursor(9)
        try await bench.store.commit(cursors, wall: 0)
        for org in ["prod", Make.cursor(9).orgID] {
            var filter = DeadLetterFilter()
            filter.org = org
            #expect(try await bench.ask("quarantine.list", filter, as: QuarantineList.self).count == 2)
        }
        let outcome: DeadLetterOutcome = try await bench.ask("quarantine.retry", DeadLetterFilter())
        #expect(outcome.count == 1 && outcome.deliveries == 1 && outcome.skippedCount == 1)
        try await bench.settled()
        #expect(bench.sink.bodies.map(\.number) == [4] && bench.sink.bodies[0].replay == nil)
        let left: QuarantineList = try await bench.ask("quarantine.list", DeadLetterFilter())
        #expect(left.count == 1 && left.events[0].reason != "no schema")
        #expect(try await bench.ask("quarantine.drop", DeadLetterFilter(), as: DeadLetterOutcome.self).count == 1)
        #expect(try await bench.store.quarantineSize() == (0, 0))
    }

    @Test func `a quarantined event is shown whole, unless a rule might hide it`() async throws {
        func detail(_ rules: String?, _ body: BodyDisplay) async throws -> QuarantineDetail {
            let bench: ReplayBench = if let rules { try await ReplayBench(rules: rules) } else { try await ReplayBench() }
            let event = try ReplayEvents.event(4)
            var group = CommitGroup()
            group.quarantine = [
                QuarantinedEvent(
                    org: "prod", topic: Make.key.topic, replayID: event.replayID, schemaID: event.schemaID, eventID: "e4",
                    payload: [0xFF, 0], reason: "no schema", at: 1)
            ]
            try await bench.store.commit(group, wall: 0)
            try await bench.store.saveSchema(#"{"type":"record"}"#, id: event.schemaID)
            return try await bench.ask("quarantine.show", DeadLetterQuestion(id: "1", body: body))
        }
        let whole = try await detail(nil, .full)
        #expect(whole.payloadHex == "ff00" && whole.schema == #"{"type":"record"}"# && !whole.isLimited)
        #expect(whole.line.reason == "no schema" && whole.line.payloadBytes == 2)
        let brief = try await detail(nil, .redacted)
        #expect(brief.payloadHex == nil && !brief.isLimited)
        let hiding = Self.rules(about: "Other__c", bodies: .redacted, body: #"{id: "${recordId}"}"#)
        let hidden = try await detail(hiding, .full)
        #expect(hidden.payloadHex == nil && hidden.isLimited)
        await #expect(throws: ControlError.self) {
            let bench = try await ReplayBench()
            _ = try await bench.ask("quarantine.show", DeadLetterQuestion(id: "sl_1", body: .full), as: QuarantineDetail.self)
        }
    }

    @Test func `a full quarantine holds the topic back until there is room`() async throws {
        var limits = StoreLimits()
        limits.quarantineCount = 1
        let scratch = Scratch()
        let store = try Store(path: scratch.store, limits: limits, wall: 0)
        let gate = QuarantineGate(store: store, time: ReplayBench.clock)
        try await gate.pass(topic: "t", log: .quiet)
        var group = CommitGroup()
        group.quarantine = [
            QuarantinedEvent(
                org: "prod", topic: "t", replayID: Make.replayID(1), schemaID: "s", eventID: "e", payload: [1],
                reason: "r", at: 1)
        ]
        try await store.commit(group, wall: 0)
        let lines = LogLines()
        // The clock's sleep is broken off, as by a stop.
        await #expect(throws: CancellationError.self) { try await gate.pass(topic: "t", log: lines.logger) }
        #expect(lines.all.count == 1 && lines.all[0].contains("parked"))
        _ = try await store.dropQuarantine(DeadLetterFilter())
        try await gate.pass(topic: "t", log: .quiet)
    }
}
