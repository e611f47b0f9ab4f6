import Events
import PubSub
import Rules
import Store
import Testing
import TestSupport

@testable import Relay

@Suite(.timeLimit(.minutes(15))) struct EventRoutesTests {
    @Test func `an event is followed from its arrival to its answers`() async throws {
        let bench = try await LoaderBench(status: 503)
        let id = try await journaled(bench, number: 7)
        let event = SampleEvents.recordID(1)
        var delivery = Make.delivery(7, lane: event)
        let result = try await rulesResult(bench, id)
        delivery.id = try #require(result.deliveries.first).id
        try await bench.outbox.accept(Make.batch([delivery], cursor: 8))
        while bench.monitor.recent.attempts(of: id).isEmpty { await Task.yield() }
        await bench.outbox.flush()

        let answer = try await show(bench, "\(id)", recent: bench.monitor.recent)
        #expect(answer.text("topic") == Make.key.topic && answer.text("org") == "prod")
        let shown = try #require(answer.records("events").first)
        #expect(shown.records("rules").map { $0.text("outcome") } == ["matched"])
        let sent = try #require(shown.records("deliveries").first)
        #expect(sent.text("id") == delivery.id && sent.text("state") == "pending")
        #expect(sent.records("attempts").first?["status"] == .int(503))
        // On a busy machine a second attempt may have been made by now.
        let numbers = sent.records("attempts").map { $0["number"] }
        #expect(numbers == (1...max(1, numbers.count)).map { .int(Int64($0)) }, "what store and memory know stands once")
    }

    @Test func `the beginning of a delivery's ID is enough, unless it is that of several events`() async throws {
        let bench = try await LoaderBench(status: 503)
        var (one, other, twin) = (Make.delivery(5, lane: "a"), Make.delivery(6, lane: "b"), Make.delivery(6, lane: "c"))
        (one.id, other.id, twin.id) = ("sl_ab1", "sl_ac1", "sl_ac2")
        try await bench.outbox.accept(Make.batch([one, other, twin], cursor: 6))
        await bench.outbox.flush()
        #expect(try await show(bench, "sl_ab").text("replayId") == "\(Make.replayID(5))")
        #expect(try await show(bench, "sl_ac").text("replayId") == "\(Make.replayID(6))", "two of one event")
        for (text, words) in [("sl_a", "several events"), ("sl_", "nothing is known"), ("sl_b", "nothing is known")] {
            do throws(ControlError) {
                _ = try await show(bench, text)
                Issue.record("\(text) was found")
            } catch {
                #expect(error.message.contains(words), "\(text): \(error)")
            }
        }
    }

    @Test func `what an operator dropped, and what was not due, does not stand as if it waited`() async throws {
        let bench = try await LoaderBench()
        let id = try await journaled(bench, number: 7)
        func attempt(_ delivery: String, _ outcome: DestinationMeter.Outcome) -> RecentDeliveries.Attempt {
            RecentDeliveries.Attempt(
                id: delivery, rule: "r", destination: "hook", topic: Make.key.topic, replayID: id, number: 1, at: 1,
                milliseconds: 1, outcome: outcome, status: 422, reason: "no")
        }
        let recent = RecentDeliveries()
        recent.add(attempt("sl_dropped", .parked))
        recent.add(attempt("sl_unwanted", .nothing))
        let answer = try await show(bench, "\(id)", recent: recent)
        let states = answer.records("otherDeliveries").map { "\($0.text("id")) \($0.text("state"))" }
        #expect(states == ["sl_dropped dropped", "sl_unwanted not_due"])
        // On a disk that cannot be written, it may well wait in memory.
        let unwritten = try await show(bench, "\(id)", recent: recent, write: { false })
        #expect(Set(unwritten.records("otherDeliveries").map { $0.text("state") }) == ["pending"])
    }

    @Test func `what replays sent stands apart from what the rules of now would not make`() async throws {
        let bench = try await LoaderBench(status: 503)
        let id = try await journaled(bench, number: 7)
        let live = try #require(try await rulesResult(bench, id).deliveries.first).id
        var replayed = Make.delivery(7)
        replayed.id = ReplayedDelivery.id(live, of: "rp00000001")
        var other = Make.delivery(7, lane: "b")
        other.id = "sl_other"
        try await bench.outbox.accept(Make.batch([replayed, other], cursor: 8))
        await bench.outbox.flush()
        let answer = try await show(bench, "\(id)", recent: bench.monitor.recent)
        #expect(answer.records("replayedDeliveries").map { $0.text("id") } == [replayed.id])
        #expect(answer.records("otherDeliveries").map { $0.text("id") } == ["sl_other"])
    }

    @Test func `labels of a rule stand beside what it made of the event`() async throws {
        let bench = try await LoaderBench()
        let id = try await journaled(bench, number: 9)
        let text = LoaderBench.rules(["one"]).replacing("- id: one", with: "- labels: {team: sales}\n    id: one")
        try bench.files.write("a.yaml", text)
        #expect(await bench.loader.reload()?.outcome == .loaded)
        let rule = try #require(try await show(bench, "\(id)").records("events").first?.records("rules").first)
        #expect(rule.text("rule") == "one" && rule["labels"] == .record(["label_team": .string("sales")]))
    }

    @Test func `an answer that says the request back is hidden as its rule says, and where there is no such rule`() async throws {
        let bench = try await LoaderBench()
        var group = CommitGroup()
        for (number, rule) in [(5, "one"), (6, "gone")] {
            var delivery = Make.delivery(number)
            (delivery.rule, delivery.body) = (rule, Array(#"{"name":"Kate Bell"}"#.utf8))
            let attempt = AttemptRecord(number: 1, at: 5, status: 400, reason: "no", excerpt: "bad name Kate Bell")
            group.deadLetters.append(
                DeadLetter(delivery: delivery, reason: .rejected, detail: "no", attempts: 1, history: [attempt], diedAt: 5))
        }
        try await bench.store.commit(group, wall: 0)
        func excerpt(_ number: Int) async throws -> String? {
            let answer = try await show(bench, "\(Make.replayID(number))")
            return answer.records("otherDeliveries").first?.records("attempts").first?.text("excerpt")
        }
        #expect(try await excerpt(5) == "bad name Kate Bell")
        #expect(try await excerpt(6) == "bad name •••")
        let text = LoaderBench.rules(["one"]).replacing("- id: one", with: "- bodies: redacted\n    id: one")
        try bench.files.write("a.yaml", text)
        #expect(await bench.loader.reload()?.outcome == .loaded)
        #expect(try await excerpt(5) == "bad name •••")
    }

    @Test func `hex is taken as well as base64`() async throws {
        let bench = try await LoaderBench()
        let id = try await journaled(bench, number: 9)
        let answer = try await show(bench, Hex.encode(id.bytes))
        #expect(answer.text("replayId") == "\(id)")
    }

    @Test func `the ID of a delivery leads to its event, where it waits or is only remembered`() async throws {
        let bench = try await LoaderBench(status: 503)
        let id = try await journaled(bench, number: 9)
        try await bench.outbox.accept(Make.batch([Make.delivery(9)], cursor: 12))
        await bench.outbox.flush()
        #expect(try await show(bench, "sl_9").text("replayId") == "\(id)")
        let recent = RecentDeliveries()
        recent.add(
            RecentDeliveries.Attempt(
                id: "sl_done", rule: "r", destination: "hook", topic: Make.key.topic, replayID: id, number: 1, at: 1,
                milliseconds: 1, outcome: .delivered, status: 200, reason: "ok"))
        #expect(try await show(bench, "sl_done", recent: recent).text("replayId") == "\(id)")
        await #expect {
            try await show(bench, "sl_done")
        } throws: {
            "\($0)".contains("nothing is known of a delivery")
        }
    }

    @Test func `bytes that only look like a replay ID are no event, and neither is what is no ID`() async throws {
        let bench = try await LoaderBench()
        _ = try await journaled(bench, number: 9)
        for (text, kind) in [("AAAA", ControlError.Kind.badInput), ("zz!", .badInput)] {
            do throws(ControlError) {
                _ = try await show(bench, text)
                Issue.record("\(text) was found")
            } catch {
                #expect(error.kind == kind)
            }
        }
    }

    @Test func `an event that is not in the journal any more is told by its deliveries`() async throws {
        let bench = try await LoaderBench(status: 503)
        try await bench.outbox.accept(Make.batch([Make.delivery(5)], cursor: 5))
        await bench.outbox.flush()
        let answer = try await show(bench, "\(Make.replayID(5))")
        #expect(answer.text("problem").contains("journal"))
        #expect(answer.records("otherDeliveries").first?.text("id") == "sl_5")
        #expect(answer.records("otherDeliveries").first?.text("state") == "pending")
    }

    @Test func `an event that a delivery without a request has kept is shown, whatever the journal has pruned`() async throws {
        let bench = try await LoaderBench(status: 503)
        let schemaID = try SampleEvents.schemaID()
        try await bench.store.saveSchema(SampleEvents.schemaJSON, id: schemaID)
        let event = SampleEvents.update(7, [SampleEvents.recordID(1)], schemaID: schemaID)
        var letter = DeadLetter(delivery: Make.delivery(7), reason: .rendering, detail: "absent", diedAt: 0)
        letter.delivery.body = []
        var group = CommitGroup()
        group.deadLetters = [letter]
        let origin = letter.delivery.origin
        group.kept = [KeptEvent(event, orgID: origin.orgID, topic: origin.topic, receivedAt: 3)]
        try await bench.store.commit(group, wall: 0)
        let answer = try await show(bench, "\(event.replayID)")
        #expect(answer["problem"] == nil && answer.text("topic") == origin.topic && answer["rpcId"] == nil)
        #expect(answer.records("events").count == 1)
        #expect(answer.records("otherDeliveries").map { $0.text("id") } == ["sl_7"])
    }

    @Test func `what is not written yet is written, and found`() async throws {
        let bench = try await LoaderBench(status: 503)
        let schemaID = try SampleEvents.schemaID()
        try await bench.store.saveSchema(SampleEvents.schemaJSON, id: schemaID)
        let (id, event) = (Make.replayID(7), SampleEvents.update(7, [SampleEvents.recordID(1)], schemaID: schemaID))
        let raw = FetchResponse(events: [event], latestReplayID: id).encode()
        // A delivery of it is known already, which is not all that there is to tell.
        try await bench.outbox.accept(Make.batch([Make.delivery(7)], cursor: 6))
        await bench.outbox.flush()
        let answer = try await show(bench, "\(id)") {
            try? await bench.outbox.accept(Make.batch([], cursor: 7, raw: raw))
            return await bench.outbox.flushIfPossible()
        }
        #expect(answer["problem"] == nil && answer.records("events").count == 1)
    }

    // MARK: Helpers

    private func journaled(_ bench: LoaderBench, number: Int) async throws -> ReplayID {
        let schemaID = try SampleEvents.schemaID()
        try await bench.store.saveSchema(SampleEvents.schemaJSON, id: schemaID)
        let events = (number..<(number + 3)).map {
            SampleEvents.update($0, [SampleEvents.recordID(1)], schemaID: schemaID)
        }
        let raw = FetchResponse(events: events, latestReplayID: Make.replayID(number)).encode()
        try await bench.outbox.accept(Make.batch([], cursor: number, raw: raw))
        await bench.outbox.flush()
        return Make.replayID(number)
    }

    private func rulesResult(_ bench: LoaderBench, _ id: ReplayID) async throws -> RoutingResult {
        let answer = try await show(bench, "\(id)")
        guard case .record(let event)? = answer.records("events").first?["event"] else { throw CancellationError() }
        return bench.current.current.route(try RecordedEvent(.record(event)).event, now: 0)
    }

    private func show(
        _ bench: LoaderBench, _ text: String, recent: RecentDeliveries? = nil,
        write: (@Sendable () async -> Bool)? = nil
    ) async throws(ControlError) -> Fields {
        let route = EventRoutes.make(
            store: bench.store, rules: { bench.current.current }, recent: recent, write: write)[0]
        let bytes = try await route.answer(Array(#"{"replayID":"\#(text)"}"#.utf8))
        guard case .record(let fields)? = try? JSONReader.parse(bytes) else { return Fields() }
        return fields
    }
}

extension Fields {
    fileprivate func text(_ name: String) -> String { if case .string(let text)? = self[name] { text } else { "" } }

    fileprivate func records(_ name: String) -> [Fields] {
        guard case .list(let values)? = self[name] else { return [] }
        return values.compactMap { if case .record(let fields) = $0 { fields } else { nil } }
    }
}
