import Events
import Testing

@testable import Emulator

@Suite struct TargetLogTests {
    @Test func `a fault is used up, first come first served`() {
        var faults = TargetFaults()
        faults.add(TargetFault(path: "/hooks/*", status: 503, times: 2, retryAfter: 7))
        faults.add(TargetFault(path: "/hooks/a", status: 429))
        #expect(faults.take("/other") == nil)
        #expect(faults.take("/hooks/a")?.headers.contains(.init(name: "retry-after", value: "7")) == true)
        #expect(faults.take("/hooks/b")?.status == 503)
        #expect(faults.take("/hooks/a")?.status == 429)
        #expect(faults.take("/hooks/a") == nil)
    }

    @Test func `credentials are not kept, and the oldest requests go first`() {
        var log = ReceivedLog()
        for index in 0..<(ReceivedLog.maximumRequests + 5) {
            let request = TargetRequest(
                method: "POST", path: "/hooks/a", headers: ["authorization": "Bearer x", "webhook-id": "\(index)"])
            log.append(request, status: 204, wasExecuted: true, now: 0)
        }
        #expect(log.requests.count == ReceivedLog.maximumRequests)
        #expect(log.requests.first?.headers == ["webhook-id": "5"])
        #expect(log.count == ReceivedLog.maximumRequests + 5)
    }

    @Test func `the JSON shows text as text and anything else as base64`() {
        var log = ReceivedLog()
        log.append(.init(method: "POST", path: "/a", body: Array("é".utf8)), status: 204, wasExecuted: true, now: 9)
        log.append(.init(method: "POST", path: "/b", body: [0xff]), status: 204, wasExecuted: true, now: 9)
        let all = log.json(after: 0, limit: 10, path: nil).fields?["requests"]?.list
        #expect(all?[0].fields?["body"] == .string("é"))
        #expect(all?[1].fields?["bodyBase64"] == .string("/w=="))
        #expect(log.json(after: 1, limit: 10, path: nil).fields?["requests"]?.list?.count == 1)
        #expect(log.json(after: 0, limit: 10, path: "/a").fields?["requests"]?.list?.count == 1)
    }
}
