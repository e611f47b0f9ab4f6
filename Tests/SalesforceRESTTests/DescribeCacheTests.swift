import Curl
import Events
import Synchronization
import Testing
import TestSupport

@testable import SalesforceREST

@Suite struct DescribeCacheTests {
    @Test func `a description is asked for again only whether it changed`() async throws {
        let org = TestOrg { request throws(TransportError) in
            request.headers.contains(.init("If-None-Match", "v1"))
                ? HTTPResponse(status: 304) : json(accountDescribe, headers: [.init("ETag", "v1")])
        }
        let cache = DescribeCache(org.client)
        let first = try await cache.description(of: "Account")
        _ = try await cache.description(of: "Account")
        #expect(org.calls.count == 1)
        org.time.advance(by: .seconds(601))
        #expect(try await cache.description(of: "Account") == first)
        _ = try await cache.description(of: "Account")
        #expect(org.calls.count == 2)
    }

    @Test func `a caller that is cancelled leaves at once, and the others get their answer`() async throws {
        let isUp = Mutex(false)
        let org = TestOrg(time: ManualTime()) { _ throws(TransportError) in
            isUp.withLock { $0 } ? json(accountDescribe) : json("[]", status: 503)
        }
        let cache = DescribeCache(org.client)
        let leaving = Task { try await cache.description(of: "Account") }
        let staying = Task { try await cache.description(of: "Account") }
        while org.calls.count < 1 { await Task.yield() }
        leaving.cancel()
        // No time passes: the call still waits for its next try.
        await #expect(throws: RESTError.self) { try await leaving.value }
        isUp.withLock { $0 = true }
        while org.calls.count < 2 {
            org.time.advance(by: .seconds(1))
            await Task.yield()
        }
        #expect(try await staying.value.name == "Account")
    }

    @Test func `a call that nobody waits for is broken off, and the next caller makes one`() async throws {
        let isUp = Mutex(false)
        let org = TestOrg(time: ManualTime()) { _ throws(TransportError) in
            isUp.withLock { $0 } ? json(accountDescribe) : json("[]", status: 503)
        }
        let cache = DescribeCache(org.client)
        let only = Task { try await cache.description(of: "Account") }
        while org.calls.count < 1 { await Task.yield() }
        only.cancel()
        await #expect(throws: RESTError.self) { try await only.value }
        isUp.withLock { $0 = true }
        #expect(try await cache.description(of: "Account").name == "Account")
        #expect(org.calls.count == 2)
    }
}
