import Testing

@testable import Curl

@Suite struct TimerTableTests {
    @Test func `timers are due in the order of their deadlines`() {
        var table = TimerTable<String>()
        _ = table.insert("late", at: 30)
        _ = table.insert("early", at: 10)
        _ = table.insert("middle", at: 20)
        #expect(table.takeDue(at: 9) == [])
        #expect(table.takeDue(at: 20) == ["early", "middle"])
        #expect(table.takeDue(at: 29) == [])
        #expect(table.takeDue(at: 30) == ["late"])
    }

    @Test func `a cancelled timer never fires`() {
        var table = TimerTable<String>()
        let id = table.insert("a", at: 10)
        _ = table.insert("b", at: 10)
        table.cancel(id)
        #expect(table.takeDue(at: 10) == ["b"])
    }

    @Test func `the wait is rounded up and never runs past the first deadline by more`() {
        var table = TimerTable<String>()
        #expect(table.millisecondsToNext(from: 0) == 86_400_000)
        _ = table.insert("a", at: 1_000_001)
        #expect(table.millisecondsToNext(from: 0) == 2)
        #expect(table.millisecondsToNext(from: 2_000_000) == 0)
    }
}

@Suite struct ConnectionLimiterTests {
    private func limiter(perHost: Int, total: Int, waiting: Int = 100) -> ConnectionLimiter<Int> {
        var limits = CurlClient.Limits()
        limits.connectionsPerHost = perHost
        limits.connections = total
        limits.waiting = waiting
        return ConnectionLimiter(limits: limits)
    }

    @Test func `a full host makes its own requests wait, in order`() {
        var limiter = limiter(perHost: 1, total: 10)
        #expect(limiter.admit(1, to: "a") == .start)
        #expect(limiter.admit(2, to: "a") == .wait)
        #expect(limiter.admit(3, to: "a") == .wait)
        #expect(limiter.admit(4, to: "b") == .start)
        #expect(limiter.finished(to: "b") == [])
        #expect(limiter.finished(to: "a") == [2])
        #expect(limiter.finished(to: "a") == [3])
        #expect(limiter.finished(to: "a") == [])
        #expect(limiter.admit(5, to: "a") == .start)
    }

    @Test func `hosts take turns when all connections are used`() {
        var limiter = limiter(perHost: 5, total: 1)
        #expect(limiter.admit(1, to: "a") == .start)
        for item in [2, 3] { #expect(limiter.admit(item, to: "a") == .wait) }
        for item in [4, 5] { #expect(limiter.admit(item, to: "b") == .wait) }
        #expect(limiter.finished(to: "a") == [2])
        #expect(limiter.finished(to: "a") == [4])
        #expect(limiter.finished(to: "b") == [3])
        #expect(limiter.finished(to: "a") == [5])
    }

    @Test func `a waiting request can leave, and too many are refused`() {
        var limiter = limiter(perHost: 1, total: 1, waiting: 2)
        #expect(limiter.admit(1, to: "a") == .start)
        #expect(limiter.admit(2, to: "a") == .wait)
        #expect(limiter.admit(3, to: "a") == .wait)
        #expect(limiter.admit(4, to: "a") == .refuse)
        limiter.cancelWaiting(to: "a") { $0 == 2 }
        #expect(limiter.finished(to: "a") == [3])
    }
}

@Suite struct CheckedRequestTests {
    @Test(arguments: [
        ("https://Example.com/secret?token=1", "https://example.com:443"), ("http://h", "http://h:80"),
        ("HTTPS://user:pw@h:8443/x", "https://h:8443"), ("https://[::1]:9/x", "https://[::1]:9"),
        ("https://[::1]/x", "https://[::1]:443"), ("https://h?x", "https://h:443"),
    ])
    func `a target is scheme, host and port`(url: String, target: String) throws {
        #expect(try CheckedRequest(HTTPRequest(url: url), known: KnownPlaces()).target == target)
    }

    @Test(arguments: ["", "ftp://h/", "https:///x", "https://h/a b", "https://h/\n", "h/x", "file:///etc/passwd"])
    func `other URLs are refused without being repeated`(url: String) {
        let error = #expect(throws: TransportError.self) { _ = try CheckedRequest(HTTPRequest(url: url), known: KnownPlaces()) }
        #expect(error?.kind == .badURL)
        #expect(error?.mayHaveBeenSent == false)
    }

    @Test(arguments: [("a", "b\r\nc: d"), ("a b", "c"), ("", "c"), ("a:", "c"), ("a", "\u{0}")])
    func `a header cannot bring another with it`(name: String, value: String) {
        let request = HTTPRequest(url: "http://h", headers: [.init(name, value)])
        #expect(throws: TransportError.self) { _ = try CheckedRequest(request, known: KnownPlaces()) }
    }
}
