import Events

/// Everything that receives: FlowMate, integrator.io and plain webhooks behind one door, with faults in front and a log
/// behind.
actor EmulatorTargets {
    private var flowMate: FlowMateModel
    private var integrator: IntegratorModel
    private var log = ReceivedLog()
    private var faults = TargetFaults()
    private var random: SeededRandom
    private let only: Set<EmulatedService>
    private let clock: TimeSource

    init(
        flowMate: FlowMateModel, integrator: IntegratorModel,
        only: Set<EmulatedService> = Set(EmulatedService.allCases),
        seed: UInt64, clock: TimeSource
    ) {
        self.flowMate = flowMate
        self.integrator = integrator
        self.only = only
        self.clock = clock
        random = SeededRandom(seed: seed)
    }

    /// Never waits; an answer may ask its carrier to.
    func answer(_ request: TargetRequest) -> HTTPAnswer {
        let outcome = faults.take(request.path).map { FlowMateModel.Outcome($0) } ?? dispatch(request)
        if Self.isDelivery(request) {
            log.append(
                request, status: outcome.answer.status, wasExecuted: outcome.wasExecuted, data: outcome.data,
                now: clock.wall())
        }
        return outcome.answer
    }

    func add(_ fault: TargetFault) { faults.add(fault) }

    /// How the next flow run ends.
    func add(_ ending: IntegratorJob.Ending) { integrator.endings.append(ending) }

    /// - Throws: `EmulatorError` when it names something that is not there.
    func perform(_ edit: FlowMateEdit) throws(EmulatorError) {
        try flowMate.perform(edit, now: clock.wall(), freshID: random.hexDigits(24))
    }

    /// - Throws: `EmulatorError` when it names something that is not there.
    func perform(_ edit: IntegratorEdit) throws(EmulatorError) { try integrator.perform(edit) }

    func received(after number: Int) -> [ReceivedRequest] { log.requests(after: number) }

    func receivedJSON(after number: Int, limit: Int, path: String?) -> HTTPAnswer {
        .json(200, log.json(after: number, limit: limit, path: path))
    }

    func clearReceived() { log.clear() }

    private func dispatch(_ request: TargetRequest) -> FlowMateModel.Outcome {
        let pieces = request.pieces
        let now = clock.wall()
        switch pieces.first {
        case _ where only.contains(.flowmate) && FlowMateModel.isMine(pieces):
            return flowMate.answer(request, now: now, fresh: random.hexDigits(171))
        case "v1" where only.contains(.integrator) && IntegratorModel.isListener(pieces):
            let (answer, records) = integrator.listener(request)
            return FlowMateModel.Outcome(answer, wasExecuted: records != nil, data: records.map(Value.list))
        case "v1" where only.contains(.integrator):
            let answer = integrator.answer(request, now: now, freshID: random.hexDigits(24))
            return FlowMateModel.Outcome(answer, wasExecuted: (200..<300).contains(answer.status))
        case "hooks" where only.contains(.webhooks) && pieces.count >= 2:
            return FlowMateModel.Outcome(HTTPAnswer(status: 204), wasExecuted: true)
        default: return FlowMateModel.Outcome(.error(404, "Nothing is emulated at \(request.path)."))
        }
    }

    /// What tells nothing (looking at flows and jobs) is not logged.
    private static func isDelivery(_ request: TargetRequest) -> Bool {
        switch request.method {
        case "HEAD": false
        case "GET": request.pieces.first == "webhooks" || request.pieces.first == "hooks"
        // What carries a password or makes a token is nobody's to read.
        default: !["login", "impersonate", "api"].contains(request.pieces.first)
        }
    }
}

/// What an emulator can be: all, or only some of them.
package enum EmulatedService: String, Sendable, CaseIterable { case salesforce, flowmate, integrator, webhooks }
