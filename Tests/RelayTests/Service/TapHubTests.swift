import Events
import FoundationEssentials
import Rules
import Testing

@testable import Relay

@Suite(.timeLimit(.minutes(15))) struct TapHubTests {
    private let hub = TapHub()

    @Test func `a slow reader misses things, and is told how many`() async throws {
        let stream = try hub.watch(TapFilter())
        for number in 0..<(TapHub.buffered + 30) { attempted(number) }
        var iterator = stream.makeAsyncIterator()
        for _ in 0..<TapHub.buffered { #expect(await iterator.next()?.dropped == 0) }
        attempted(1)
        let next = try #require(await iterator.next())
        #expect(next.dropped == 30)
        #expect(String(decoding: TapLines.line(next) { _ in .full }, as: UTF8.self).contains(#""dropped":30"#))
        attempted(2)
        #expect(await iterator.next()?.dropped == 0)
    }

    @Test func `filters narrow by rule, destination, entity and topic`() async throws {
        for (change, passes) in [
            ({ $0.rules = ["orders"] }, true), ({ $0.rules = ["other"] }, false), ({ $0.destinations = ["hook"] }, true),
            ({ $0.destinations = ["other"] }, false), ({ $0.entities = ["Account"] }, true),
            ({ $0.entities = ["Contact"] }, false), ({ $0.topics = ["/data/ChangeEvents"] }, true),
            ({ $0.topics = ["/event/A__e"] }, false), ({ $0.deliveries = false }, false),
        ] as [((inout TapFilter) -> Void, Bool)] {
            var filter = TapFilter()
            change(&filter)
            let stream = try hub.watch(filter)
            attempted(1)
            hub.close()
            var seen = 0
            for await _ in stream { seen += 1 }
            #expect(seen == (passes ? 1 : 0), "\(filter)")
        }
    }

    @Test func `of a record it shows what its rules allow`() throws {
        let event = Event(
            id: "e", kind: .change, entity: "Account", topic: Make.key.topic, replayID: Make.replayID(1), schemaID: "s",
            time: 1, receivedAt: 1, header: nil, recordID: "001000000001001AAA",
            record: KnownFields(["Name": .string("name-1")]), org: IngestBench.org)
        let element = TapHub.Element(item: .event(event, RoutingResult()), dropped: 0)
        #expect(String(decoding: TapLines.line(element) { _ in .full }, as: UTF8.self).contains("name-1"))
        let redacted = String(decoding: TapLines.line(element) { _ in .redacted }, as: UTF8.self)
        #expect(!redacted.contains("name-1") && redacted.contains("<text of"))
    }

    @Test func `a sample is every so many of what passes the filter`() async throws {
        var filter = TapFilter()
        filter.sample = 3
        let stream = try hub.watch(filter)
        for number in 0..<9 { attempted(number) }
        hub.close()
        var numbers: [Int] = []
        for await element in stream {
            if case .attempt(_, let attempt) = element.item { numbers.append(attempt.number) }
        }
        #expect(numbers == [0, 3, 6])
    }

    @Test func `taps are bounded, and one that is gone makes room`() async throws {
        var streams = try (0..<TapHub.maximumWatchers).map { _ in try hub.watch(TapFilter()) }
        #expect(throws: ControlError.self) { try hub.watch(TapFilter()) }
        streams.removeLast()
        streams.append(try hub.watch(TapFilter()))
        withExtendedLifetime(streams) {}
    }

    @Test func `a request from a newer version, or an impossible sample, is bad input`() async throws {
        let route = Self.route(hub)
        for request in ["[]", #"{"topics":[],"rules":[],"destinations":[],"entities":[],"events":true,"deliveries":true,"sample":0}"#] {
            do throws(ControlError) {
                _ = try await route.open(Array(request.utf8))
                Issue.record("it was taken: \(request)")
            } catch {
                #expect(error.kind == .badInput)
            }
        }
    }

    @Test func `a filter that names nothing of the relay is refused, with what there is`() async throws {
        for (change, said) in [
            ({ $0.rules = ["orders", "odrers"] }, "no rule 'odrers'"),
            ({ $0.rules = ["odrers"] }, "would ever pass: did you mean 'orders'? It has orders."),
            ({ $0.destinations = ["erp"] }, "no destination 'erp'"),
            ({ $0.topics = ["/data/x"] }, "It has /data/ChangeEvents."),
        ] as [((inout TapFilter) -> Void, String)] {
            var filter = TapFilter()
            change(&filter)
            let request = [UInt8](try JSONEncoder().encode(filter))
            do throws(ControlError) {
                _ = try await Self.route(hub).open(request)
                Issue.record("it was taken: \(filter)")
            } catch {
                #expect(error.kind == .badInput && error.message.contains(said), "\(error.message)")
            }
        }
        let many = TapSubjects(topics: [], rules: (100..<130).map { "rule-\($0)" }, destinations: [])
        var filter = TapFilter()
        filter.rules = ["x"]
        #expect { try many.checked(filter) } throws: { "\($0)".hasSuffix("rule-119 and 10 more.") }
        filter.rules = ["rule-100"]
        #expect(try many.checked(filter) == filter)
    }

    @Test func `the last part of a topic's name is enough`() throws {
        let subjects = TapSubjects(
            topics: ["/data/AccountChangeEvent", "/event/Order_Ready__e"], rules: [], destinations: [])
        var filter = TapFilter()
        filter.topics = ["AccountChangeEvent", "/event/Order_Ready__e"]
        #expect(try subjects.checked(filter).topics == ["/data/AccountChangeEvent", "/event/Order_Ready__e"])
        filter.topics = ["ChangeEvent"]
        #expect(throws: ControlError.self) { try subjects.checked(filter) }
    }

    private static func route(_ hub: TapHub) -> ControlStream {
        let subjects = TapSubjects(topics: ["/data/ChangeEvents"], rules: ["orders"], destinations: ["hook"])
        return TapRoutes.make(hub, subjects: { subjects }, shown: { _ in .full })[0]
    }

    private func attempted(_ number: Int) {
        let delivery = Make.delivery(number)
        hub.attempted(
            delivery,
            RecentDeliveries.Attempt(
                id: delivery.id, rule: delivery.rule, destination: delivery.destination, topic: delivery.origin.topic,
                replayID: delivery.origin.replayID, number: number, at: 0, milliseconds: 1, outcome: .delivered,
                status: 200, reason: "ok"))
    }
}
