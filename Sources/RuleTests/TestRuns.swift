import Events
import IntegratorIO
import Relay

/// The runs of a test: each flow with the relay's own plan, each call with its own client. integrator.io is well unless
/// the test says otherwise: flows are enabled, no run is open, every job has completed when somebody looks.
struct TestRuns {
    private struct Flow {
        let destination: String
        let id: String
        var plan: FlowRunPlan
        var claims: [String: Delivery] = [:]
        /// The place of the run that is under way, among what was sent.
        var run: Int?
        var wakeAt: Int64?
        var jobs = 0
    }

    private static let maximumActions = 10_000

    private let sinks: TestSinks
    private let clock: TestClock
    private var flows: [Flow] = []

    init(sinks: TestSinks, clock: TestClock) {
        self.sinks = sinks
        self.clock = clock
    }

    /// Milliseconds after the start.
    var due: Int64? { flows.compactMap(\.wakeAt).min() }

    mutating func add(_ delivery: Delivery, _ request: FlowRunRequest) {
        let known = flows.firstIndex { $0.destination == delivery.destination && $0.id == request.flow }
        let index = known ?? flows.count
        if known == nil {
            flows.append(
                Flow(
                    destination: delivery.destination, id: request.flow,
                    plan: FlowRunPlan(flow: request.flow, at: clock.wall, seed: UInt64(index))))
        }
        let isForever = delivery.retry.onError == .pause
        flows[index].claims[delivery.id] = delivery
        flows[index].plan.add(
            FlowRunPlan.Claim(
                id: delivery.id, request: request, horizon: isForever ? nil : delivery.retry.horizonMilliseconds,
                maximumRuns: isForever ? nil : delivery.retry.maximumAttempts), at: clock.wall)
        flows[index].wakeAt = clock.uptime
    }

    /// Does all that is due.
    mutating func pump(_ lanes: inout TestLanes) async throws {
        for index in flows.indices where flows[index].wakeAt.map({ $0 <= clock.uptime }) == true {
            try await pump(index, &lanes)
        }
    }

    private mutating func pump(_ index: Int, _ lanes: inout TestLanes) async throws {
        for _ in 0..<Self.maximumActions {
            let action = flows[index].plan.next(at: clock.wall)
            if case .wait(let until) = action {
                flows[index].wakeAt = until.map { clock.uptime + max(1, $0 - clock.wall) }
                return
            }
            if let event = try await perform(action, index, &lanes) { flows[index].plan.apply(event, at: clock.wall) }
        }
        flows[index].wakeAt = nil
    }

    private mutating func perform(
        _ action: FlowRunPlan.Action, _ index: Int, _ lanes: inout TestLanes
    ) async throws -> FlowRunPlan.Event? {
        switch action {
        case .wait, .notice: return nil
        case .save: return .saved
        case .checkFlow: return .flow(.success(IntegratorFlow(id: flows[index].id)))
        case .checkConnections: return .connections(.success([]))
        case .checkLatest: return .latest(.success([]))
        case .listJobs: return .listed(.success([]))
        case .pollJob(let id):
            return .polled(.success(IntegratorJob(id: id, status: .completed, createdAt: clock.wall)))
        case .post(let body): return .posted(try await post(body, index, &lanes))
        case .finish(let ids):
            end(index, ids, .delivered, "", &lanes)
            return .finished(ids)
        case .bury(let ids, let reason):
            end(index, ids, .dead, reason, &lanes)
            return .buried
        }
    }

    private mutating func post(
        _ body: RunBody, _ index: Int, _ lanes: inout TestLanes
    ) async throws -> Swift.Result<[String], FlowRunPlan.Trouble> {
        let flow = flows[index]
        let client = try sinks.runClient(flow.destination)
        sinks.http.turn(to: flow.destination)
        let answer: Swift.Result<[String], FlowRunPlan.Trouble>
        do throws(IntegratorFailure) {
            _ = try await client.run(flow: flow.id, body)
            flows[index].jobs += 1
            answer = .success(["job-\(flows[index].jobs)"])
        } catch {
            let asked = RetryAfter.parse(error.retryAfter, now: clock.wall)?.milliseconds
            answer = .failure(
                FlowRunPlan.Trouble(kind: error.kind, reason: error.description, retryAfter: asked))
        }
        let claims = (flow.plan.state.run?.claims ?? []).compactMap { flow.claims[$0] }
        guard let first = claims.first else { preconditionFailure("a run is made for claims") }
        let requests = claims.compactMap { if case .run(let request) = $0.target { request } else { nil } }
        let from = requests.map(\.from).min() ?? body.from
        let until = requests.map(\.until).max() ?? body.until
        flows[index].run = lanes.posted(
            first, window: from...until, sinks.http.requests, again: flow.run, at: clock.uptime)
        return answer
    }

    private mutating func end(
        _ index: Int, _ ids: [String], _ state: SentDelivery.State, _ reason: String, _ lanes: inout TestLanes
    ) {
        for id in ids { flows[index].claims[id] = nil }
        guard let run = flows[index].run else { return }
        lanes.ended(run: run, state, reason)
        flows[index].run = nil
    }
}
