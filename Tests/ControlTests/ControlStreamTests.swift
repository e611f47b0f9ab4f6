import Control
import Relay
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(15))) struct ControlStreamTests {
    private let place = Place()

    @Test func `lines come as they are made, until the stream ends`() async throws {
        let server = try await ControlServer.start(
            place.socket, routes: [], streams: [Self.stream { (1...3).map { "{\"n\":\($0)}" } }])
        var lines: [String] = []
        try await ControlClient(place.socket).lines(of: "lines", EmptyRequest()) { line in
            lines.append(String(decoding: line, as: UTF8.self))
            return true
        }
        #expect(lines == ["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"])
        await server.stop()
    }

    @Test func `a reader that has enough ends the stream at its source`() async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let (ends, ended) = AsyncStream.makeStream(of: Void.self)
        continuation.onTermination = { _ in ended.yield() }
        let route = ControlStream("lines") { _ throws(ControlError) in stream }
        let server = try await ControlServer.start(place.socket, routes: [], streams: [route])
        continuation.yield(Array("1".utf8))
        try await ControlClient(place.socket).lines(of: "lines", EmptyRequest()) { _ in false }
        var iterator = ends.makeAsyncIterator()
        await iterator.next()
        await server.stop()
    }

    @Test func `a stream that is refused says why`() async throws {
        let route = ControlStream("lines") { _ throws(ControlError) in throw ControlError(.badInput, "no such rule") }
        let server = try await ControlServer.start(place.socket, routes: [], streams: [route])
        do throws(ControlError) {
            try await ControlClient(place.socket).lines(of: "lines", EmptyRequest()) { _ in true }
            Issue.record("it was opened")
        } catch {
            #expect(error.message == "no such rule" && error.kind == .badInput)
        }
        await server.stop()
    }

    private static func stream(_ lines: @escaping @Sendable () -> [String]) -> ControlStream {
        ControlStream("lines") { _ throws(ControlError) in
            AsyncStream { continuation in
                for line in lines() { continuation.yield(Array(line.utf8)) }
                continuation.finish()
            }
        }
    }
}
