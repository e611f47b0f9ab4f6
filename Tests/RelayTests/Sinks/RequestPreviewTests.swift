import Events
import Rules
import Testing

@testable import Relay

/// A request that is looked at is the one that is sent, without its secrets.
@Suite struct RequestPreviewTests {
    private static let hook = Delivery.make(
        to: .webhook(method: "PUT", path: "/orders/7", headers: [DeliveryTarget.Header(name: "X-Status", value: "Won")]))

    private func preview(
        _ delivery: Delivery, kind: Destination.Kind = .webhook, url: String = "https://h.example:8443/hooks/T0/B0?sig=s3cret",
        showsEvent: Bool = true, _ change: (inout Destination) -> Void = { _ in }
    ) async -> RequestPreview? {
        var destination = Destination(name: "d", kind: kind, url: url)
        change(&destination)
        return await RequestPreview.make(
            delivery, to: destination, version: "1.2.3", time: 1_800_000_000_000, showsEvent: showsEvent)
    }

    @Test func `it is what the sink sends`() async throws {
        let request = try #require(await preview(Self.hook))
        #expect(request.method == "PUT")
        #expect(request.url == "https://h.example:8443/•••/orders/7?•••")
        let headers = request.headers.map { "\($0.name): \($0.value)" }
        #expect(
            headers == [
                "Content-Type: application/json", "User-Agent: Sluice/1.2.3", "X-Status: Won",
                "webhook-id: \(Self.hook.id)", "webhook-timestamp: 1800000000",
            ])
        #expect(await preview(Self.hook, url: "https://h.example")?.url == "https://h.example/orders/7")
        #expect(await preview(Self.hook, url: "https://me:s3cret@h.example/a")?.url == "https://h.example/•••/orders/7")
    }

    @Test func `credentials and signatures are hidden, and need not be there`() async throws {
        let request = try #require(
            await preview(Self.hook) {
                $0.auth = .basic(user: "u", password: .file("/nowhere/password"))
                $0.sign = .standardWebhooks(secrets: [.env("NOT_SET")])
                $0.headers = [DeliveryTarget.Header(name: "X-Api-Key", value: "in the file")]
            })
        let values = Dictionary(uniqueKeysWithValues: request.headers.map { ($0.name, $0.value) })
        for name in ["Authorization", "webhook-signature", "X-Api-Key"] { #expect(values[name] == "•••", "\(name)") }
        let other = try #require(
            await preview(Self.hook) {
                $0.auth = .oauth2(
                    Destination.OAuth2(tokenURL: "https://h/token", clientID: "c", clientSecret: .env("NOT_SET")))
                $0.sign = .hmac(algorithm: .sha1, encoding: .hex, header: "X-Sig", prefix: "", secrets: [.env("NOT_SET")])
            })
        #expect(other.headers.filter { $0.value == "•••" }.map(\.name) == ["Authorization", "X-Sig"])
    }

    @Test func `a rule that shows no bodies shows nothing else that it made of the event`() async throws {
        let request = try #require(await preview(Self.hook, showsEvent: false))
        #expect(request.url == "https://h.example:8443/•••/•••?•••")
        #expect(request.headers.first { $0.name == "X-Status" }?.value == "•••")
        #expect(Self.hook.target.withoutEvent == .webhook(
            method: "PUT", path: "/•••", headers: [DeliveryTarget.Header(name: "X-Status", value: "•••")]))
    }

    @Test func `of a flow's ID only the end is shown, of a listener's URL nothing`() async throws {
        let id = "5f3c9a1b2c3d4e5f60718293"
        let flow = try #require(
            await preview(.make(to: .flow(id: id, redrive: nil)), kind: .flowmate, url: "https://flowmate.example"))
        #expect(flow.url == "https://flowmate.example/webhooks/…8293" && flow.method == "POST")
        #expect(!flow.headers.contains { $0.value.contains(id) } && flow.headers.contains { $0.name == "x-request-id" })
        let listener = try #require(
            await preview(.make(to: .listener(name: "orders")), kind: .integrator, url: "https://api.integrator.io") {
                // A relay would look whether the listener's flow takes anything, and here nobody is asked.
                $0.auth = .bearer(.env("NOT_SET"))
                $0.listeners = [
                    "orders": Destination.Listener(
                        url: .env("NOT_SET"), export: "65b2f0c2d3e4b5a697886621", auth: .query(name: "t", value: .env("NOT_SET")), sign: nil,
                        records: nil)
                ]
            })
        #expect(listener.url == "••• (listener orders)" && listener.method == "POST")
        #expect(listener.headers.contains { $0.name == "webhook-id" })
    }

    @Test func `where none can be made there is none`() async {
        #expect(await preview(.make(to: .listener(name: "gone")), kind: .integrator, url: "https://api.integrator.io") == nil)
        #expect(await preview(Self.hook, url: "ftp://h.example") == nil)
    }
}
