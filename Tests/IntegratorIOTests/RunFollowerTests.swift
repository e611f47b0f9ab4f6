import Curl
import Events
import Synchronization
import TestSupport
import Testing

@testable import IntegratorIO

@Suite struct RunFollowerTests {
    typealias Answer = @Sendable (HTTPRequest, Int) throws(TransportError) -> (Int, String)

    private static let lost = TransportError(kind: .timeout, target: "h", reason: "timed out", mayHaveBeenSent: true)

    private func follower(_ answer: @escaping Answer) -> (RunFollower, ScriptedHTTP, ManualTime) {
        let count = Counter()
        let (client, http) = IntegratorPagingTests.client { request throws(TransportError) in
            let (status, body) = try answer(request, count.next())
            return HTTPResponse(status: status, body: Array(body.utf8))
        }
        let time = ManualTime(autoAdvance: true)
        return (RunFollower(client, time: time.source), http, time)
    }

    private func job(_ status: String, errors: Int = 0) -> String {
        #"{"_id":"j","type":"flow","status":"\#(status)","numSuccess":3,"numExport":4,"numError":\#(errors)}"#
    }

    @Test func `a job is asked for ever more seldom until it ends`() async throws {
        let (queued, running, done) = (job("queued"), job("running"), job("completed"))
        let (follower, _, time) = follower { _, call throws(TransportError) in
            (200, call < 2 ? queued : call < 10 ? running : done)
        }
        let seen = Mutex<[String]>([])
        let result = try await follower.follow(["j"]) { progress in
            if case .job(let job) = progress { seen.withLock { $0.append(job.status.word) } }
        }
        #expect(result.outcome == .completed && result.exported == 4 && result.successes == 3)
        #expect(seen.withLock { $0 } == ["queued", "running", "completed"], "only what is news")
        #expect(time.slept.first == .seconds(5) && time.slept.last == .seconds(60))
    }

    @Test(arguments: [
        ("completed", 1, RunResult.Outcome.completedWithErrors), ("failed", 0, .failed), ("cancelled", 0, .canceled),
    ])
    func `an end is told for what it is`(_ status: String, _ errors: Int, _ outcome: RunResult.Outcome) async throws {
        let body = job(status, errors: errors)
        let (follower, _, _) = follower { _, _ throws(TransportError) in (200, body) }
        #expect(try await follower.follow(["j"]) { _ in }.outcome == outcome)
    }

    @Test func `patience ends, jobs get lost, and passing trouble passes`() async throws {
        let queued = job("queued")
        let (slow, _, _) = follower { _, _ throws(TransportError) in (200, queued) }
        #expect(try await slow.follow(["j"], patience: .seconds(60)) { _ in }.outcome == .open)
        let (gone, _, _) = follower { _, _ throws(TransportError) in (404, "") }
        #expect(try await gone.follow(["j"]) { _ in }.outcome == .lost)
        let done = job("completed")
        let (shaky, _, _) = follower { _, call throws(TransportError) in (call < 5 ? 503 : 200, done) }
        #expect(try await shaky.follow(["j"]) { _ in }.outcome == .completed)
        let (down, http, _) = follower { _, _ throws(TransportError) in (503, "") }
        await #expect(throws: IntegratorFailure.self) { _ = try await down.follow(["j"]) { _ in } }
        #expect(http.requests.count == RunFollower.maximumTroubles + 1)
        let (refused, _, _) = follower { _, _ throws(TransportError) in (401, "") }
        await #expect(throws: IntegratorFailure.self) { _ = try await refused.follow(["j"]) { _ in } }
    }

    @Test func `a lost answer is looked up among the flow's jobs, and the run is posted once`() async throws {
        let (follower, http, _) = follower { request, call throws(TransportError) in
            if request.method == "POST" { throw Self.lost }
            return (200, call < 3 ? #"[{"_id":"old"}]"# : #"[{"_id":"new"},{"_id":"old"}]"#)
        }
        let started = try await follower.start(flow: "f", RunBody(from: 0, until: 1))
        #expect(started == RunFollower.Started(jobs: ["new"], isAdopted: true))
        #expect(http.requests.count { $0.method == "POST" } == 1)
    }

    @Test func `a run that cannot be found again is told as unknown`() async {
        let (follower, http, _) = follower { request, _ throws(TransportError) in
            if request.method == "POST" { throw Self.lost }
            return (204, "")
        }
        let failure = await #expect(throws: IntegratorFailure.self) {
            _ = try await follower.start(flow: "f", RunBody(from: 0, until: 1))
        }
        #expect(failure?.kind == .unknown && http.requests.count { $0.method == "POST" } == 1)
    }

    @Test func `a refusal is a refusal`() async {
        let (follower, http, _) = follower { request, _ throws(TransportError) in
            request.method == "POST" ? (409, #"{"errors":[{"code":"x"}]}"#) : (204, "")
        }
        let failure = await #expect(throws: IntegratorFailure.self) {
            _ = try await follower.start(flow: "f", RunBody(from: 0, until: 1))
        }
        #expect(failure?.kind == .busy && http.requests.count == 2)
    }

    @Test(arguments: [nil, Duration.seconds(60)])
    func `a full queue is waited for, and the run posted when there is a place`(_ queueing: Duration?) async throws {
        let (follower, http, _) = follower { request, call throws(TransportError) in
            guard request.method == "POST" else { return (204, "") }
            return call < 8 ? (409, #"{"errors":[{"code":"flow_job_already_queued"}]}"#) : (201, #"{"_jobId":"j"}"#)
        }
        let told = Counter()
        let started = try await follower.start(flow: "f", RunBody(from: 0, until: 1), queueing: queueing) { _ in
            _ = told.next()
        }
        #expect(started == RunFollower.Started(jobs: ["j"]) && told.next() == 1, "told once")
        #expect(http.requests.count { $0.method == "POST" } == 5)
    }

    @Test func `waiting for a place in the queue ends with patience`() async {
        let (follower, _, time) = follower { request, _ throws(TransportError) in
            request.method == "POST" ? (409, "") : (204, "")
        }
        let failure = await #expect(throws: IntegratorFailure.self) {
            _ = try await follower.start(flow: "f", RunBody(from: 0, until: 1), queueing: .seconds(30))
        }
        #expect(failure?.kind == .busy && time.slept.reduce(.zero, +) <= .seconds(30))
    }
}
