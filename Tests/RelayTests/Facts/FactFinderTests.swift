import Events
import Rules
import Synchronization
import Testing
import TestSupport

@testable import Relay

/// What a stream waits for, and what it leaves to the lane that needs it.
@Suite struct FactFinderTests {
    private static let rules = """
        sluice: 1
        destinations:
          hook: {kind: webhook, url: "https://hooks.example.com/x"}
        rules:
          - id: named
            match: {entity: Account, change: update}
            needs: {fields: [Name], missing: fetch}
            to: {destination: hook, body: {name: "${record.Name}"}}
          - id: keyed
            match: {entity: Contact, change: update}
            needs: {fields: [Name], missing: fetch}
            to: {destination: hook, key: "${record.Name}", body: {name: "${record.Name}"}}

        """

    /// Gives its answers one after the other; the last one stays. Nil hangs until the task is cancelled.
    private final class Answers: FactSource {
        private let state: Mutex<(answers: [Result<Fields?, FactFailure>?], asked: Int)>

        init(_ answers: [Result<Fields?, FactFailure>?]) { state = Mutex((answers, 0)) }

        var asked: Int { state.withLock { $0.asked } }

        func record(entity: String, id: String, fields: [String]?) async throws(FactFailure) -> Fields? {
            let answer = state.withLock { state in
                state.asked += 1
                return state.answers.count > 1 ? state.answers.removeFirst() : state.answers[0]
            }
            if let answer { return try answer.get() }
            while !Task.isCancelled { await Task.yield() }
            throw FactFailure(reason: "cancelled", isTemporary: true)
        }

        func flows(of owner: FlowOwner, received: Int64) async throws(FactFailure) -> [FlowFacts] { [] }
    }

    private static let down = Result<Fields?, FactFailure>.failure(FactFailure(reason: "503", isTemporary: true))
    private static let acme = Result<Fields?, FactFailure>.success(["Name": .string("Acme")])

    private let set: RuleSet
    private let lines = LogLines()

    init() throws {
        let report = Lint.check([RuleSource(path: "rules.yaml", bytes: Array(Self.rules.utf8))])
        set = try #require(report.ruleSet, "\(report.text)")
    }

    private func finder(_ answers: Answers, _ time: ManualTime = ManualTime(autoAdvance: true)) -> FactFinder {
        FactFinder(source: answers, time: time.source, log: lines.logger)
    }

    private func update(_ number: Int, entity: String = "Account") -> Event {
        let id = "00100000000\(1000 + number)AAA"
        let header = ChangeEventHeader(
            entityName: entity, recordIds: [id], changeType: .update, changeOrigin: "", transactionKey: "t",
            sequenceNumber: 1, commitTimestamp: 0, commitNumber: 0, commitUser: "", nulledFields: [], diffFields: [],
            changedFields: ["Phone"])
        return Event(
            id: "e\(number)", kind: .change, entity: entity, topic: Make.key.topic, replayID: Make.replayID(number),
            schemaID: "s", time: Int64(number), receivedAt: 0, header: header, recordID: id,
            record: KnownFields(["Phone": .string("1")]),
            org: Org(id: "00D", alias: "prod", instanceURL: "", isSandbox: false))
    }

    private func route(_ event: Event, _ finder: FactFinder) async throws -> RoutingResult {
        try await finder.complete(event, set.route(event, now: 0), by: set, .defers)
    }

    @Test func `a record that cannot be read now is left to its lane, and the stream goes on at once`() async throws {
        let answers = Answers([Self.down, Self.down, Self.acme])
        let time = ManualTime()
        let finder = finder(answers, time)
        let first = try await route(update(1), finder)
        #expect(first.deliveries.isEmpty && first.deferred.map(\.reason) == ["503"])
        // Nor does every record ask while none can be read.
        #expect(try await route(update(2), finder).deferred.count == 1 && answers.asked == 1)
        time.advance(by: .seconds(5))
        #expect(try await route(update(3), finder).deferred.count == 1 && answers.asked == 2)
        time.advance(by: .seconds(9))
        #expect(try await route(update(4), finder).deferred.count == 1 && answers.asked == 2, "ever more seldom")
        time.advance(by: .seconds(1))
        #expect(try await route(update(5), finder).deliveries.count == 1)
        #expect(try await route(update(6), finder).deliveries.count == 1 && answers.asked == 4)
    }

    @Test func `reads that fail beside each other count as one`() async throws {
        let answers = Answers([Self.down])
        let time = ManualTime()
        let finder = finder(answers, time)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...20 { group.addTask { try await route(update(number), finder).deferred.count } }
            for try await count in group { #expect(count == 1) }
        }
        let asked = answers.asked
        time.advance(by: .seconds(5))
        #expect(try await route(update(21), finder).deferred.count == 1 && answers.asked == asked + 1)
    }

    @Test func `a read that hangs holds the stream up for seconds only`() async throws {
        let time = ManualTime(autoAdvance: true)
        let result = try await route(update(1), finder(Answers([nil]), time))
        #expect(result.deferred.count == 1 && time.slept == [FactFinder.readPatience])
    }

    @Test func `a refusal is final`() async throws {
        let refused = Result<Fields?, FactFailure>.failure(FactFailure(reason: "no access", isTemporary: false))
        let result = try await route(update(1), finder(Answers([refused])))
        #expect(result.deferred.isEmpty && result.failures.map(\.reason) == ["'Name' could not be read: no access"])
    }

    @Test func `what has no lane before its record is read is waited for`() async throws {
        let answers = Answers([Self.down, Self.down, Self.down, Self.acme])
        let result = try await route(update(1, entity: "Contact"), finder(answers))
        #expect(result.deliveries.map(\.lane) == ["Acme"] && result.deferred.isEmpty && answers.asked == 4)
        #expect(lines.all.count == 2, "one line that it waits, one that it goes on: \(lines.all)")
    }
}
