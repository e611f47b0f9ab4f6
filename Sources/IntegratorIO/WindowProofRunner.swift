import Events

/// Performs a `WindowProof` on a real flow. Each trial is a real run of it.
package struct WindowProofRunner: Sendable {
    package enum Progress: Sendable, Equatable {
        case trying(RunBody.Shape)
        case run(RunFollower.Progress)
        case tried(WindowProof.Trial)
    }

    private let client: IntegratorClient
    private let time: TimeSource

    package init(_ client: IntegratorClient, time: TimeSource) {
        self.client = client
        self.time = time
    }

    /// - Parameters:
    ///   - exports: sources to run; empty means all.
    ///   - patience: for each run.
    package func run(
        _ proof: WindowProof, flow: String, exports: [String] = [], patience: Duration = .seconds(3600),
        report: @Sendable (Progress) -> Void
    ) async throws(IntegratorFailure) -> (verdict: WindowProof.Verdict, proof: WindowProof) {
        var proof = proof
        while true {
            let tried = proof.trials.count
            switch proof.next {
            case .finish(let verdict): return (verdict, proof)
            case .readWatermark: proof.apply(.watermark(try await client.lastExportTime(flow: flow)))
            case .run(let shape):
                report(.trying(shape))
                let body = RunBody(from: proof.from, until: proof.until, exports: exports)
                proof.apply(try await trial(shape, body, flow, patience, report))
            }
            if let trial = proof.trials.last, proof.trials.count > tried { report(.tried(trial)) }
        }
    }

    private func trial(
        _ shape: RunBody.Shape, _ body: RunBody, _ flow: String, _ patience: Duration,
        _ report: @Sendable (Progress) -> Void
    ) async throws(IntegratorFailure) -> WindowProof.Event {
        // Somebody else's run would be counted for ours.
        if let open = try await client.latestJobs(flow: flow).first(where: { $0.isRun && $0.status.isOpen }) {
            throw IntegratorFailure(
                action: "run flow \(flow)",
                cause: .input("job \(open.id) of it is \(open.status.word); wait for its end"))
        }
        let follower = RunFollower(client.with(runBody: shape), time: time)
        let started: RunFollower.Started
        do {
            started = try await follower.start(flow: flow, body)
        } catch {
            // What is wrong with this body may be right with the next.
            guard error.status == 400 || error.status == 422 else { throw error }
            return .refused(error.description)
        }
        let result = try await follower.follow(started.jobs, patience: patience) { report(.run($0)) }
        return .ran(started.jobs.isEmpty ? .lost : result.outcome, exported: result.exported)
    }
}
