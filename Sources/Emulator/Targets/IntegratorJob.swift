import Events

/// A run of an integrator.io flow. Its future is fixed when it is queued; the status follows from the time.
struct IntegratorJob: Sendable, Equatable {
    enum Ending: Sendable, Equatable {
        case completed(errors: Int)
        case failed
    }

    let id: String
    let flowID: String
    let exportID: String
    /// Epoch milliseconds, all three.
    let createdAt: Int64
    var startedAt: Int64
    var endedAt: Int64
    let ending: Ending
    var isCanceled = false
    /// Its connection is offline: it stays queued.
    var isHeld = false
    /// What it left behind is taken over.
    var isSettled = false
    /// End of its window, epoch milliseconds.
    var until: Int64 = 0
    /// Records that its window holds.
    var records: Int64 = 3

    init(
        id: String, flowID: String, exportID: String, createdAt: Int64, startedAt: Int64, endedAt: Int64, ending: Ending
    ) {
        self.id = id
        self.flowID = flowID
        self.exportID = exportID
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.ending = ending
    }

    func isOpen(at now: Int64) -> Bool { !isCanceled && (isHeld || endedAt > now) }

    /// `queued`, `running`, `completed`, `failed` or `canceled`
    func status(at now: Int64) -> String {
        if isCanceled { return "canceled" }
        if isHeld || now < startedAt { return "queued" }
        if now < endedAt { return "running" }
        return ending == .failed ? "failed" : "completed"
    }

    func json(at now: Int64) -> Value {
        let status = status(at: now)
        let isCompleted = status == "completed"
        let errors: Int64 = if case .completed(let errors) = ending, isCompleted { Int64(errors) } else { 0 }
        let exported: Int64 = isCompleted ? records + errors : 0
        var fields: Fields = [
            "_id": .string(id), "type": .string("flow"),
            "_integrationId": .string(EmulatorDefaults.integratorIntegration), "_flowId": .string(flowID),
            "_exportId": .string(exportID), "status": .string(status), "createdAt": Self.date(createdAt),
            "lastModified": Self.date(min(max(createdAt, now), max(endedAt, createdAt))),
            "numError": .int(errors), "numResolved": .int(0), "numOpenError": .int(errors),
            "numSuccess": .int(exported - errors), "numIgnore": .int(0), "numExport": .int(exported),
            "numPagesGenerated": .int(isCompleted ? 1 : 0), "numPagesProcessed": .int(isCompleted ? 1 : 0),
            "doneExporting": .bool(isCompleted), "retriable": .bool(errors > 0),
        ]
        let hasStarted = !isHeld && now >= startedAt && (!isCanceled || endedAt > startedAt)
        if hasStarted { fields.append("startedAt", Self.date(startedAt)) }
        if !isHeld, now >= endedAt { fields.append("endedAt", Self.date(endedAt)) }
        return .record(fields)
    }

    private static func date(_ milliseconds: Int64) -> Value { .string(EpochText.text(milliseconds)) }
}
