import Events
import Synchronization
import Testing
import TestSupport

@testable import Salesforce

@Suite struct AuthenticatorTests {
    @Test func `callers that ask together share one sign-in`() async throws {
        let counter = Counter()
        let authenticator = Authenticator { () async throws(SignInError) in
            await Task.yield()
            return session(counter.next())
        }
        let sessions = try await withThrowingTaskGroup(of: Session.self) { group in
            for _ in 0..<50 { group.addTask { try await authenticator.session() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(sessions).count == 1)
        #expect(counter.value == 1)
    }

    @Test func `callers that were refused together share one renewal`() async throws {
        let counter = Counter()
        let authenticator = Authenticator { () async throws(SignInError) in session(counter.next()) }
        let first = try await authenticator.session()
        async let a = authenticator.renewed(after: first)
        async let b = authenticator.renewed(after: first)
        let renewed = try await [a, b]
        #expect(renewed[0] == renewed[1] && renewed[0] != first)
        #expect(try await authenticator.renewed(after: first) == renewed[0])
        #expect(counter.value == 2)
    }

    @Test func `the same token with another end is not a renewed one`() async throws {
        let counter = Counter()
        let authenticator = Authenticator { () async throws(SignInError) in session(counter.next()) }
        var refused = try await authenticator.session()
        refused.expiresAt = 1
        #expect(try await authenticator.renewed(after: refused).accessToken != refused.accessToken)
        #expect(counter.value == 2)
    }

    @Test func `refusals in a row wait longer and longer, so that no user is locked`() {
        var throttle = SignInThrottle()
        #expect(throttle.wait == .zero)
        throttle.finished(.failure(Self.refusal))
        #expect(throttle.wait == .seconds(30))
        throttle.finished(.failure(Self.refusal))
        #expect(throttle.wait == .seconds(60))
        throttle.finished(.failure(.unreachable("no route")))
        #expect(throttle.wait == .seconds(60), "a server that is not reached takes nothing back")
        for _ in 0..<20 { throttle.finished(.failure(Self.refusal)) }
        #expect(throttle.wait == .seconds(900))
        throttle.finished(.success(session(1)))
        #expect(throttle.wait == .zero)
    }

    @Test(arguments: [(429, "too_many"), (400, "rate_limit_exceeded"), (403, "rate_limit_exceeded")])
    func `too many sign-ins wait longer and longer as well, and pass by themselves`(status: Int, error: String) {
        let limited = SignInError(status: status, error: error, detail: "login rate exceeded", url: "https://a/token")
        #expect(limited.isRetryable)
        var throttle = SignInThrottle()
        for expected in [30, 60, 120] {
            throttle.finished(.failure(limited))
            #expect(throttle.wait == .seconds(expected))
        }
    }

    @Test func `credentials that were replaced need not wait`() async throws {
        let counter = Counter()
        let mark = Mutex(1)
        let time = ManualTime(autoAdvance: true)
        let authenticator = Authenticator(
            time: time.source, credentialMark: { mark.withLock { $0 } }
        ) { () async throws(SignInError) in
            let number = counter.next()
            guard number > 8 else { throw Self.refusal }
            return session(number)
        }
        for _ in 1...8 { await #expect(throws: SignInError.self) { try await authenticator.session() } }
        #expect(await authenticator.waitLeft == .seconds(900))
        // An operator has looked after it.
        mark.withLock { $0 = 2 }
        let before = time.source.monotonic()
        _ = try await authenticator.session()
        #expect(time.source.monotonic() - before <= Authenticator.mendingCheck)
        #expect(await authenticator.waitLeft == .zero)
    }

    @Test func `whoever says that it was mended waits no longer than after one refusal`() async throws {
        let time = ManualTime(start: 0, autoAdvance: true)
        let tries = Mutex<[Duration]>([])
        let authenticator = Authenticator(time: time.source) { () async throws(SignInError) -> Session in
            tries.withLock { $0.append(time.source.monotonic()) }
            throw Self.refusal
        }
        func refused() async { _ = try? await authenticator.session() }
        for _ in 0..<5 { await refused() }
        #expect(await authenticator.waitLeft == .seconds(480))
        for _ in 0..<3 { await authenticator.hurry() }
        #expect(await authenticator.waitLeft == .seconds(30), "so often that no user is locked")
        await refused()
        let last = tries.withLock { Array($0.suffix(2)) }
        #expect(last[1] - last[0] == .seconds(30))
        #expect(await authenticator.waitLeft == .seconds(900), "nothing is taken back")
    }

    @Test func `a token that is not valid is no failed login`() {
        var throttle = SignInThrottle()
        throttle.finished(
            .failure(.refused(error: "HTTP 401", detail: "", fix: "", url: "https://a/services/oauth2/userinfo")))
        #expect(throttle.wait == .zero)
    }

    @Test func `a caller that is cancelled leaves at once, though the next sign-in must wait for minutes`() async throws {
        let counter = Counter()
        let time = ManualTime()
        let authenticator = Authenticator(time: time.source) { () async throws(SignInError) in
            _ = counter.next()
            throw Self.refusal
        }
        await #expect(throws: SignInError.self) { try await authenticator.session() }
        let waiting = Task { try await authenticator.session() }
        while time.slept.isEmpty { await Task.yield() }
        waiting.cancel()
        await #expect(throws: SignInError.self) { try await waiting.value }
        // The attempt that nobody waits for any more ends without signing in.
        for _ in 0..<100 { await Task.yield() }
        #expect(counter.value == 1)
    }

    @Test func `who stays gets the session although another caller leaves`() async throws {
        let time = ManualTime()
        let gate = Counter()
        let authenticator = Authenticator(time: time.source) { () async throws(SignInError) in
            if gate.next() == 1 { throw Self.refusal }
            return session(2)
        }
        await #expect(throws: SignInError.self) { try await authenticator.session() }
        let leaving = Task { try await authenticator.session() }
        while time.slept.isEmpty { await Task.yield() }
        let staying = Task { try await authenticator.session() }
        for _ in 0..<100 { await Task.yield() }
        leaving.cancel()
        await #expect(throws: SignInError.self) { try await leaving.value }
        time.advance(by: .seconds(30))
        #expect(try await staying.value == session(2))
    }

    @Test func `a session of another org is never given out: cursors belong to the first`() async throws {
        let counter = Counter()
        let authenticator = Authenticator { () async throws(SignInError) in
            var made = session(counter.next())
            if counter.value > 1 { made.orgID = OrgID("00D000000000002EAA")! }
            return made
        }
        let first = try await authenticator.session()
        await #expect {
            try await authenticator.renewed(after: first)
        } throws: { error in
            "\(error)".contains("00D000000000001EAA") && "\(error)".contains("00D000000000002EAA")
        }
    }

    private static let refusal = SignInError.refused(
        error: "invalid_client", detail: "", fix: "", url: "https://acme.my.salesforce.com/services/oauth2/token")
}

func session(_ number: Int) -> Session {
    Session(
        accessToken: Secret("token \(number)"), instanceURL: "https://acme.my.salesforce.com",
        orgID: OrgID("00D000000000001EAA")!)
}

final class Counter: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
