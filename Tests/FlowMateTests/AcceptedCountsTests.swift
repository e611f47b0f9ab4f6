import Curl
import Events
import TestSupport
import Testing

@testable import FlowMate

@Suite struct AcceptedCountsTests {
    private static let day: Int64 = 20_000
    private static let noon = AcceptedCounts.start(day) + 12 * 3_600_000

    @Test func `a request that comes again is counted once, also after a restart`() throws {
        var counts = AcceptedCounts()
        for id in ["a", "b", "a"] { counts.accept(flow: "f", requestID: id, at: Self.noon) }
        var later = try #require(AcceptedCounts(json: counts.json))
        #expect(later == counts)
        later.accept(flow: "f", requestID: "b", at: Self.noon)
        later.accept(flow: "f", requestID: "c", at: Self.noon)
        #expect(later.accepted(Self.day...Self.day) == ["f": 3])
        #expect(AcceptedCounts(json: Array("{}".utf8)) == nil)
    }

    @Test func `what was not kept before a crash is counted when it comes again`() throws {
        var counts = AcceptedCounts()
        counts.accept(flow: "f", requestID: "a", at: Self.noon)
        let kept = counts.json
        counts.accept(flow: "f", requestID: "b", at: Self.noon)
        var later = try #require(AcceptedCounts(json: kept))
        for id in ["a", "b"] { later.accept(flow: "f", requestID: id, at: Self.noon) }
        #expect(later.accepted(Self.day...Self.day) == ["f": 2])
    }

    @Test func `memory is bounded in days and request IDs`() {
        var counts = AcceptedCounts()
        for number in 0..<10_000 {
            counts.accept(
                flow: "f", requestID: "\(number)",
                at: AcceptedCounts.start(Self.day + Int64(number / 500)))
        }
        #expect(counts.all.count == AcceptedCounts.keptDays)
        #expect(counts.all.first?.day == Self.day + 19)
        #expect(counts.json.count < 64 << 10)
    }

    @Test func `a day is due six hours after its end, once`() {
        var counts = AcceptedCounts()
        counts.accept(flow: "f", requestID: "a", at: Self.noon)
        let end = AcceptedCounts.start(Self.day + 1)
        #expect(counts.due(at: end + AcceptedCounts.grace - 1) == [])
        #expect(counts.due(at: end + AcceptedCounts.grace) == [Self.day])
        counts.checked(Self.day, shortfalls: ["x"])
        #expect(counts.due(at: end + AcceptedCounts.grace) == [])
        #expect(counts.all.first?.counts.shortfalls == ["x"])
    }

    /// - Parameter executed: by first day and flow.
    private func compare(_ executed: [String: [String: Int]]) async throws -> [String] {
        var counts = AcceptedCounts()
        for number in 0..<10 {
            counts.accept(flow: "f", requestID: "f\(number)", at: Self.noon)
            counts.accept(flow: "g", requestID: "g\(number)", at: Self.noon)
        }
        let http = ScriptedHTTP { request throws(TransportError) in
            let start = request.url.split(separator: "start=")[1].prefix(10)
            let rows = (executed[String(start)] ?? [:]).map { #"{"id":"\#($0)","count":\#($1)}"# }
            return HTTPResponse(
                status: 200, body: Array(#"{"data":[\#(rows.joined(separator: ","))]}"#.utf8))
        }
        let client = FlowMateClient(settings: FlowMateSettings(baseURL: "https://h"), http: http)
        let found = try await client.compare(counts, day: Self.day) {
            Timestamp.dateOnly(AcceptedCounts.start($0))
        }
        return found.map { "\($0.flow) \($0.accepted - $0.executions)" }
    }

    @Test func `fewer steps than accepted events are a loss`() async throws {
        #expect(
            try await compare(["2024-10-04": ["f": 7, "g": 20], "2024-10-03": ["f": 8, "g": 30]]) == [
                "f 3"
            ])
        #expect(try await compare(["2024-10-04": ["f": 10, "g": 10]]) == [])
    }

    @Test func `what ran on a neighbouring day was not lost`() async throws {
        #expect(
            try await compare(["2024-10-04": ["f": 7, "g": 10], "2024-10-03": ["f": 10, "g": 10]]) == [])
    }
}
