import Control
import Curl
import Events
import Relay
import Store
import Testing

@Suite(.timeLimit(.minutes(15))) struct ConsoleServerTests {
    private let place = Place()

    @Test func `monitoring gets its pages, others a plain no`() async throws {
        let store = try Store(path: place.path + "/sluice.db", wall: 0)
        let console = RelayConsole(source: StatusSource(store: store), meters: { [:] })
        let server = try await ConsoleServer.start(host: "127.0.0.1", port: 0, console: console)
        let http = CurlClient()
        for (path, status, text) in [
            ("metrics", 200, "sluice_quarantined 0\n"), ("healthz", 200, "ok"), ("readyz", 200, "ready"),
            ("other", 404, "/metrics"),
        ] {
            let answer = try await http.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/\(path)"))
            #expect(answer.status == status && String(decoding: answer.body, as: UTF8.self).contains(text))
        }
        let posted = try await http.send(
            HTTPRequest(method: "POST", url: "http://127.0.0.1:\(server.port)/metrics", body: [1]))
        #expect(posted.status == 405)
        await server.stop()
        try store.close()
    }

    @Test func `not every topic streaming is not ready, and says which`() async throws {
        let store = try Store(path: place.path + "/sluice.db", wall: 0)
        try await store.set(
            StreamState(
                key: Cursor.Key(org: "prod", topic: "/data/A"), state: "reconnecting", detail: "no network", since: 0,
                lastReceivedAt: nil, reconnects: 3))
        let answer = await RelayConsole(source: StatusSource(store: store), meters: { [:] }).answer("/readyz")
        #expect(answer.status == 503 && answer.body == "prod /data/A is reconnecting: no network\n")
        try store.close()
        let broken = await RelayConsole(source: StatusSource(store: store), meters: { [:] }).answer("/healthz")
        #expect(broken.status == 503, "a store that does not answer is no health")
    }

    @Test func `an address that is taken ends the start`() async throws {
        let store = try Store(path: place.path + "/sluice.db", wall: 0)
        let console = RelayConsole(source: StatusSource(store: store), meters: { [:] })
        let first = try await ConsoleServer.start(host: "127.0.0.1", port: 0, console: console)
        do throws(ControlError) {
            _ = try await ConsoleServer.start(host: "127.0.0.1", port: first.port, console: console)
            Issue.record("two listen at one address")
        } catch {
            #expect(error.kind == .environment && error.message.contains("\(first.port)"))
        }
        await first.stop()
        try store.close()
    }
}
