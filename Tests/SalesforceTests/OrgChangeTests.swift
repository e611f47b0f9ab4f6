import Events
import Synchronization
import TestSupport
import Testing

@testable import Salesforce

@Suite struct OrgChangeTests {
    @Test func `a move of the org is noticed and followed`() async throws {
        let seen = Changes()
        let authenticator = authenticator(.stop, seen) { $0.instanceURL = "https://acme2.my.salesforce.com" }
        let first = try await authenticator.session()
        #expect(try await authenticator.renewed(after: first).instanceURL == "https://acme2.my.salesforce.com")
        #expect(seen.all.map(\.isOtherOrg) == [false])
        #expect("\(seen.all[0])".contains("moved from https://acme.my.salesforce.com"))
    }

    @Test func `a refreshed sandbox stops or is followed, as the policy says, and is told once`() async throws {
        for policy in OrgChange.Policy.allCases {
            let seen = Changes()
            let authenticator = authenticator(policy, seen) { $0.orgID = OrgID("00D000000000002EAA")! }
            let first = try await authenticator.session()
            if policy == .follow {
                #expect(try await authenticator.renewed(after: first).orgID.description == "00D000000000002EAA")
            } else {
                for _ in 0..<2 {
                    await #expect(throws: SignInError.self) { try await authenticator.renewed(after: first) }
                }
            }
            #expect(seen.all.map(\.isOtherOrg) == [true])
        }
    }

    @Test func `a session is renewed before its end, and kept if that fails`() async throws {
        let time = ManualTime()
        let counter = Counter()
        let authenticator = Authenticator(time: time.source) { () async throws(SignInError) in
            let number = counter.next()
            if number == 2 { throw .unreachable("no route") }
            var made = session(number)
            made.expiresAt = time.source.wall() + 3_600_000
            return made
        }
        let first = try await authenticator.session()
        time.advance(by: .seconds(3400))
        #expect(try await authenticator.session() == first)
        #expect(counter.value == 1)
        time.advance(by: .seconds(100))
        #expect(try await authenticator.session() == first, "what cannot be renewed is still good")
        #expect(try await authenticator.session() == first)
        #expect(counter.value == 2, "and not every call tries")
        time.advance(by: .seconds(60))
        #expect(try await authenticator.session() != first)
    }

    private func authenticator(
        _ policy: OrgChange.Policy, _ seen: Changes, _ change: @escaping @Sendable (inout Session) -> Void
    ) -> Authenticator {
        let counter = Counter()
        // Refused sign-ins in a row would wait for minutes.
        return Authenticator(time: ManualTime(autoAdvance: true).source, onOrgChange: policy, notice: seen.add) {
            () async throws(SignInError) in
            var made = session(counter.next())
            if counter.value > 1 { change(&made) }
            return made
        }
    }
}

private final class Changes: Sendable {
    private let list = Mutex<[OrgChange]>([])

    var all: [OrgChange] { list.withLock { $0 } }

    func add(_ change: OrgChange) { list.withLock { $0.append(change) } }
}
