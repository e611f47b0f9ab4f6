import Events

/// Everything that receives: FlowMate, integrator.io and plain webhooks behind one door, with faults in front and a log
/// behind.
actor EmulatorTargets {
    private var flowMate: FlowMateModel
    private var integrator: IntegratorModel
    private var log = ReceivedLog()
    private var faults = TargetFaults()
    private var random: SeededRandom
    private let clock: TimeSource

    init(flowMate: FlowMateModel, integrator: IntegratorModel, seed: UInt64, clock: TimeSource) {
        self.flowMate = flowMate
        self.integrator = integrator
        self.clock = clock
        random = SeededRandom(seed: seed)
    }

    /// Never waits; an answer may ask its carrier to.
    func answer(_ request: TargetRequest) -> HTTPAnswer {
        let (answer, wasExecuted) = faults.take(request.path).map { ($0, false) } ?? dispatch(request)
        if Self.isDelivery(request) {
            log.append(
                request, status: answer.status, wasExecuted: wasExecuted, now: clock.wall())
        }
        return answer
    }

    func add(_ fault: TargetFault) { faults.add(fault) }

    /// How the next flow run ends.
    func add(_ ending: IntegratorJob.Ending) { integrator.endings.append(ending) }

    func received(after number: Int) -> [ReceivedRequest] { log.requests(after: number) }

    func receivedJSON(after number: Int, limit: Int, path: String?) -> HTTPAnswer {
        .json(200, log.json(after: number, limit: limit, path: path))
    }

    func clearReceived() { log.clear() }

    private func dispatch(_ request: TargetRequest) -> (HTTPAnswer, Bool) {
        let pieces = request.pieces
        switch pieces.first {
        case "webhooks" where pieces.count == 2:
            return flowMate.webhook(request, flowID: pieces[1], freshID: random.hexDigits(32))
        case "flows" where pieces.count <= 2 && request.method == "GET": return (flowMate.flows(request), false)
        case "v1" where IntegratorModel.isListener(pieces): return judged(integrator.listener(request))
        case "v1":
            let now = clock.wall()
            return judged(integrator.answer(request, now: now, freshID: random.hexDigits(24)))
        case "hooks" where pieces.count >= 2: return (HTTPAnswer(status: 204), true)
        default: return (.error(404, "Nothing is emulated at \(request.path)."), false)
        }
    }

    private func judged(_ answer: HTTPAnswer) -> (HTTPAnswer, Bool) { (answer, (200..<300).contains(answer.status)) }

    /// What tells nothing (looking at flows and jobs) is not logged.
    private static func isDelivery(_ request: TargetRequest) -> Bool {
        switch request.method {
        case "HEAD": false
        case "GET": request.pieces.first == "webhooks" || request.pieces.first == "hooks"
        default: true
        }
    }
}
