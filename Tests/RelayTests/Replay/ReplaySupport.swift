import Events
import FoundationEssentials
import PubSub
import Rules
import Salesforce
import Store
import Testing
import TestSupport

@testable import Relay

/// A relay without Salesforce: a stream of events that a test makes, a store, an outbox, and everything for replays.
struct ReplayBench {
    let ingest: IngestBench
    let orgs: ReplayOrgs
    let time = ManualTime(start: ReplayBench.now, autoAdvance: true)
    let rules: CurrentRules
    let service: ReplayService
    let routes: [ControlRoute]

    /// The wall clock of a replay, two hours after the first event was committed.
    static let now: Int64 = ReplayEvents.firstTime + 7_200_000

    var bench: Bench { ingest.bench }
    var store: Store { ingest.bench.store }
    var sink: FakeSink { ingest.bench.sink }

    init(scratch: Scratch = Scratch(), rules text: String = IngestBench.rules, daemon: Bool = true) async throws {
        ingest = try await IngestBench(
            scratch: scratch, [ReplayEvents.schemaID(): [.json(SampleEvents.schemaJSON)]])
        let report = Lint.check([RuleSource(path: "rules.yaml", bytes: Array(text.utf8))])
        rules = CurrentRules(try #require(report.ruleSet, "\(report.text)"))
        orgs = ReplayOrgs(store: ingest.bench.store)
        orgs.register(ReplayOrgs.Entry(org: IngestBench.org, schemas: ingest.cache))
        service = ReplayService(
            ReplayParts(
                store: ingest.bench.store, outbox: ingest.bench.outbox, rules: rules, orgs: orgs, time: time.source,
                log: ingest.lines.logger))
        let outbox: Outbox? = daemon ? ingest.bench.outbox : nil
        routes =
            ReplayRoutes.make(
                store: ingest.bench.store, orgs: orgs, rules: rules, service: daemon ? service : nil, time: time.source)
            + DeadLetterRoutes.make(
                store: ingest.bench.store, outbox: outbox, orgs: orgs, rules: rules, version: "test", time: time.source)
            + CursorRoutes.make(
                store: ingest.bench.store, orgs: orgs, outbox: outbox, topics: daemon ? TopicSwitch() : nil,
                start: { _ in "latest" }, time: time.source)
    }

    /// As a command asks.
    func ask<Answer: Decodable>(
        _ route: String, _ request: some Encodable, as _: Answer.Type = Answer.self
    ) async throws -> Answer {
        let route = try #require(routes.first { $0.name == route })
        let bytes = try await route.answer([UInt8](JSONEncoder().encode(request)))
        return try JSONDecoder().decode(Answer.self, from: Data(bytes))
    }

    // MARK: Live events

    /// Events `numbers` come in responses of up to `size`, as a subscription hands them over, received a second after
    /// their commit.
    func live(
        _ numbers: Range<Int>, topic: String = Make.key.topic, size: Int = 7, settles: Bool = true
    ) async throws {
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: size) {
            let part = start..<min(start + size, numbers.upperBound)
            let events = try part.map { try ReplayEvents.event($0) }
            let bytes = FetchResponse(events: events, pendingNumRequested: 50).encode()
            _ = try await ingest.ingest.accept(
                ReceivedBatch(
                    topic: topic, events: events, bytes: bytes, replayID: events.last!.replayID,
                    receivedAt: ReplayEvents.time(part.upperBound - 1) + 1_000))
        }
        if settles { try await settled() }
    }

    /// Everything is delivered or dead, and committed.
    func settled() async throws {
        try await bench.run("everything is settled") {
            let status = await bench.outbox.status()
            guard status.destinations.allSatisfy({ $0.pending == 0 }), status.unwritten == 0 else { return false }
            return await bench.outbox.isClean
        }
    }

    // MARK: Replays

    /// Asks for a replay and waits until it has ended and everything is delivered.
    @discardableResult
    func replay(_ request: ReplayRequest) async throws -> ReplayView {
        let started: ReplayView = try await ask("replay.start", request)
        try await ended(started.id)
        return try await ask("replay.show", NamedReplay(id: started.id))
    }

    func ended(_ id: String) async throws {
        try await bench.run("the replay has ended") { (try? await store.replay(id))??.state.isFinal ?? false }
        try await settled()
    }

    /// Live numbers of what the receiver got by a replay, in the order in which it got it.
    func replayed(by id: String) -> [Int] { sink.bodies.compactMap { $0.replay == id ? $0.number : nil } }
}

/// What the receiver got.
extension FakeSink {
    struct Body: Equatable {
        var id: String
        var number: Int
        var replay: String?
    }

    /// The record number stands in the record ID, which is the lane.
    var bodies: [Body] {
        let lanes = Dictionary(attempts.map { ($0.id, $0.lane) }) { first, _ in first }
        return delivered.compactMap { id in
            guard let lane = lanes[id], let number = ReplayEvents.number(ofRecord: lane) else { return nil }
            return Body(id: id, number: number, replay: ReplayedDelivery.replay(ofDelivery: id))
        }
    }
}

/// Events of `Sample__c`, one a second, each about a record of its own.
enum ReplayEvents {
    /// A full hour, shortly before the moment at which the outbox's clock stands.
    static let firstTime: Int64 = 1_760_000_000_000 / 3_600_000 * 3_600_000

    static func time(_ number: Int) -> Int64 { firstTime + Int64(number) * 1_000 }

    static func schemaID() throws -> String { try SampleEvents.schemaID() }

    static func event(_ number: Int) throws -> ConsumerEvent {
        ConsumerEvent(
            id: "e\(number)", schemaID: try schemaID(), replayID: Make.replayID(number), payload: payload(number))
    }

    static func recordID(_ number: Int) -> String {
        "001\(String(repeating: "0", count: 9 - "\(number)".count))\(number)AAA"
    }

    static func number(ofRecord id: String) -> Int? { Int(id.dropFirst(3).dropLast(3)) }

    private static func payload(_ number: Int) -> [UInt8] {
        let id = Array(recordID(number).utf8)
        var bytes: [UInt8] = string("Sample__c") + long(1) + long(Int64(id.count)) + id + [0]
        bytes += long(1) + string("") + string("k\(number)") + long(1) + long(time(number)) + long(7) + string("005")
        return bytes + [0, 0, 0] + long(1) + string("Name \(number)")
    }

    private static func string(_ text: String) -> [UInt8] { long(Int64(text.utf8.count)) + Array(text.utf8) }

    private static func long(_ value: Int64) -> [UInt8] {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
