import Events
import Synchronization
import Testing

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

    @Test func `refusals in a row wait longer and longer, so that no user is locked`() {
        var throttle = SignInThrottle()
        #expect(throttle.wait() == .zero)
        throttle.finished(refused: true)
        #expect(throttle.wait() == .seconds(30))
        throttle.finished(refused: true)
        #expect(throttle.wait() == .seconds(60))
        for _ in 0..<20 { throttle.finished(refused: true) }
        #expect(throttle.wait() == .seconds(900))
        throttle.finished(refused: false)
        #expect(throttle.wait() == .zero)
    }
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
