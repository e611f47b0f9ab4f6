import Events
import IntegratorIO
import Logging

/// Asks integrator.io now and then whether the listeners of one destination take what is posted: at the start, every two
/// minutes, and when an answer makes one doubt it. Only of listeners whose `export` is stated, and with an API token.
package actor ListenerWatch {
    private struct Watched {
        let stated: ListenerActivation.Stated
        var gate: ListenerGate
        var check: Task<Void, Never>?
        /// Uptime of the last check's end.
        var lastCheck: Int64?

        var dueAt: Int64 { lastCheck.map { $0 + gate.interval } ?? 0 }
    }

    /// Between two checks that answers of the listener ask for.
    private static let doubtInterval: Int64 = 5_000

    private let name: String
    private let calls: RunCalls
    private nonisolated let environment: SinkEnvironment
    /// Called when a listener takes events again.
    private let opened: @Sendable (String) async -> Void
    private var watched: [String: Watched]
    private var loop: Task<Void, Never>?
    /// Between the looks of the loop.
    private var nap: Task<Void, Never>?
    private var isStopped = false

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        environment.executors.actors.asUnownedSerialExecutor()
    }

    init(
        name: String, listeners: [String: ListenerActivation.Stated], calls: RunCalls, environment: SinkEnvironment,
        opened: @escaping @Sendable (String) async -> Void
    ) {
        self.name = name
        self.calls = calls
        self.environment = environment
        self.opened = opened
        watched = listeners.reduce(into: [:]) { watched, entry in
            watched[entry.key] = Watched(stated: entry.value, gate: ListenerGate(listener: entry.key))
        }
    }

    package func start() {
        guard loop == nil, !isStopped, !watched.isEmpty else { return }
        loop = Task { await watch() }
    }

    package func stop() {
        isStopped = true
        loop?.cancel()
        nap?.cancel()
    }

    package func status() -> [ListenerStatus] {
        watched.values.map { ListenerStatus($0.gate) }.sorted { $0.listener < $1.listener }
    }

    /// Looks at what is closed, whenever the next look would be: somebody may have opened it.
    func checkNow(_ destination: String) async {
        guard destination == name else { return }
        for (listener, one) in watched where one.gate.state != .open { await check(listener) }
    }

    // MARK: For the sink

    /// Why nothing may be posted now; nil if it may. The first one waits for the first check.
    func obstacle(_ listener: String) async -> String? {
        guard let gate = watched[listener]?.gate else { return nil }
        if gate.state == .unchecked { await check(listener) }
        return reason(listener)
    }

    /// The listener's answer makes one doubt that it takes anything.
    ///
    /// - Returns: as `obstacle`.
    func doubt(_ listener: String) async -> String? {
        guard let last = watched[listener]?.lastCheck else { return await obstacle(listener) }
        if uptime - last >= Self.doubtInterval { await check(listener) }
        return reason(listener)
    }

    func posted(_ listener: String) { watched[listener]?.gate.posted() }

    private func reason(_ listener: String) -> String? {
        switch watched[listener]?.gate.state {
        case nil, .open?: nil
        case .unchecked?: watched[listener]?.gate.remark ?? ""
        case .closed(let reason)?: reason
        }
    }

    // MARK: Checking

    private var uptime: Int64 { environment.clock.uptime }

    private func watch() async {
        while !isStopped {
            for listener in watched.keys.sorted() where (watched[listener]?.dueAt ?? .max) <= uptime {
                await check(listener)
            }
            let due = watched.values.map(\.dueAt).min() ?? .max
            let sleep = Task { [clock = environment.clock] in _ = try? await clock.sleep(untilUptime: due) }
            nap = sleep
            await sleep.value
        }
    }

    /// Who comes while a check is under way waits for that one.
    private func check(_ listener: String) async {
        guard !isStopped, let current = watched[listener] else { return }
        if let check = current.check { return await check.value }
        let task = Task { await perform(listener, current) }
        watched[listener]?.check = task
        await task.value
    }

    private func perform(_ listener: String, _ current: Watched) async {
        let check = current.gate.begin(at: environment.clock.wall())
        let result = await calls.listener(current.stated, known: current.gate.flows)
        watched[listener]?.check = nil
        watched[listener]?.lastCheck = uptime
        guard !isStopped else { return }
        let notices = watched[listener]?.gate.ended(check, result, at: environment.clock.wall()) ?? []
        for notice in notices { environment.logger.log(level: notice.level.logLevel, "\(name): \(notice.text)") }
        // The next look may be due sooner than it was.
        nap?.cancel()
        if current.gate.isHolding, watched[listener]?.gate.state == .open { await opened(name) }
    }
}
