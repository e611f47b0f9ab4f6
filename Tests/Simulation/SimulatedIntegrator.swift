import Curl
import Events
import IntegratorIO

/// integrator.io with one flow that reads what changed in a window of time.
///
/// Unchecked: see `Machine`.
final class SimulatedIntegrator: @unchecked Sendable {
    struct Job {
        var id: String
        /// On the machine's clock.
        var createdAt: Int64
        var endsAt: Int64
        var fails: Bool
        /// Epoch milliseconds.
        var from: Int64
        var until: Int64
    }

    private let org: SimulatedOrg
    private var machine: Machine { org.machine }
    private var random: SeededRandom
    private(set) var jobs: [Job] = []
    /// Of a hundred runs.
    var failing = 15

    init(seed: UInt64, org: SimulatedOrg) {
        self.org = org
        random = SeededRandom(seed: seed ^ 0x696F_2D69)
    }

    func answer(_ request: HTTPRequest) -> HTTPResponse {
        let path = request.path.prefix { $0 != "?" }
        if request.method == "POST", path.hasSuffix("/run") { return run(request.body) }
        if path.hasSuffix("/jobs/latest") { return .json("[\(jobs.last.map(json) ?? "")]") }
        if path.hasSuffix("/jobs") {
            let since = request.path.split(separator: "createdAt_gte=").last.map { $0.prefix { $0 != "&" } }
                .flatMap { ISOTime.milliseconds(String($0).split(separator: "%3A").joined(separator: ":")) } ?? .min
            let chosen = jobs.reversed().filter { World.epoch + $0.createdAt >= since }
            return .json("[\(chosen.map(json).joined(separator: ","))]")
        }
        if let id = path.split(separator: "/").last, path.contains("/jobs/") {
            return jobs.first { $0.id == id }.map { .json(json($0)) } ?? .json(#"{"errors":[{"code":"not_found"}]}"#, status: 404)
        }
        return .json(#"{"_id":"\#(SampleRules.run)","name":"run"}"#)
    }

    private func run(_ body: [UInt8]) -> HTTPResponse {
        guard jobs.allSatisfy({ $0.endsAt <= machine.now }) else {
            return .json(#"{"errors":[{"code":"flow_job_already_queued","message":"already queued"}]}"#, status: 409)
        }
        guard case .record(let fields)? = try? JSONReader.parse(body), case .record(let window)? = fields["export"],
            case .string(let from)? = window["startDate"], case .string(let until)? = window["endDate"],
            let from = ISOTime.milliseconds(from), let until = ISOTime.milliseconds(until)
        else {
            org.truth.problem("a run was asked for without a window: \(String(decoding: body, as: UTF8.self))")
            return HTTPResponse(status: 400)
        }
        let fails = random.below(100) < failing
        if fails { org.faults.note("flow run fails") }
        let job = Job(
            id: "598f1c2e7d3a4b001234\(1000 + jobs.count)", createdAt: machine.now,
            endsAt: machine.now + random.milliseconds(1_000...90_000), fails: fails, from: from, until: until)
        jobs.append(job)
        return .json(#"{"_jobId":"\#(job.id)","_exportId":"598f1c2e7d3a4b0012345d9c"}"#, status: 201)
    }

    private func json(_ job: Job) -> String {
        let status = machine.now < job.endsAt ? "running" : job.fails ? "failed" : "completed"
        return #"{"_id":"\#(job.id)","type":"flow","_flowId":"\#(SampleRules.run)","status":"\#(status)","#
            + #""createdAt":"\#(ISOTime.text(World.epoch + job.createdAt))","numError":0,"numPagesGenerated":1}"#
    }

    /// A run that began after the event happened, and ended well, read the event's time.
    ///
    /// - Parameter since: on the machine's clock; nil for when the event happened.
    func covered(_ wanted: Wanted, _ happening: Happening, since: Int64? = nil) -> Bool {
        wanted.rule == "run"
            && jobs.contains { job in
                !job.fails && job.endsAt <= machine.now && job.createdAt >= since ?? happening.at
                    && job.from <= happening.commitTime && job.until >= happening.commitTime
            }
    }
}
