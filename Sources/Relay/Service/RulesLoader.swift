import Events
import Logging
import Rules
import Settings

/// Puts rule sets in force while the relay runs: reads and compiles beside the event path, then swaps between two
/// events. A set with an error anywhere changes nothing but the banner.
package actor RulesLoader {
    private let source: RulesSource?
    private let current: CurrentRules
    private let outbox: Outbox
    private let gatherer: BatchGatherer?
    private let factory: SinkFactory
    private let secrets: SecretStore
    private let monitor: RelayMonitor
    private let log: Logger
    /// The destination that alerts go to, which has to stay.
    private let alerts: String?
    private var table: DestinationTable
    private var state: RulesStatus
    private var tried: [String: FileMark]?
    /// The files of the set in force, for who compares an edit with it; nil if they cannot be told any more.
    private(set) var inForce: [RuleSource]?
    /// The reload under way; the next one waits for it.
    private var last: Task<ReloadAnswer, Never>?
    /// See `RelayWorld`.
    private let work: @Sendable (@escaping @Sendable () -> Void) -> Void

    init(
        _ ruleSet: RuleSet, table: DestinationTable, source: RulesSource?, current: CurrentRules, outbox: Outbox,
        gatherer: BatchGatherer? = nil, factory: SinkFactory, secrets: SecretStore, monitor: RelayMonitor,
        alerts: String? = nil,
        beside work: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void = RelayWorld().beside, log: Logger
    ) {
        self.work = work
        self.table = table
        self.source = source
        self.current = current
        self.outbox = outbox
        self.gatherer = gatherer
        self.factory = factory
        self.secrets = secrets
        self.monitor = monitor
        self.alerts = alerts
        self.log = log
        state = RulesStatus(
            generation: 1, hash: ruleSet.hash, loadedAt: monitor.time.wall(), rules: ruleSet.ruleIDs.count,
            destinations: ruleSet.destinations.count, failures: 0)
        inForce = source?.files(of: ruleSet)
        monitor.changed(to: ruleSet)
    }

    package var status: RulesStatus { state }

    /// Why an edit of the secrets' file is not used; nil if it is.
    nonisolated var secretsProblem: String? { secrets.problem() }

    var destinations: [DispatchDestination] { table.dispatch }

    /// In order of their names.
    var entries: [DestinationTable.Entry] { table.entries.values.sorted { $0.ready.name < $1.ready.name } }

    /// The runners in force.
    var runners: [FlowRunner] { table.entries.values.compactMap(\.ready.runner) }
    var watches: [ListenerWatch] { table.entries.values.compactMap(\.ready.watch) }

    /// Reads the files again. Reloads run one after another.
    ///
    /// - Parameter onlyIfEdited: does nothing if the files look as they did the last time.
    /// - Returns: nil if nothing was done.
    @discardableResult
    package func reload(onlyIfEdited: Bool = false) async -> ReloadAnswer? {
        guard let source else { return nil }
        let secretsFile = secrets.file
        let marks = await beside {
            var marks = source.fingerprint()
            if let secretsFile { marks[secretsFile] = FileMark(secretsFile) }
            return marks
        }
        if onlyIfEdited, marks == tried { return nil }
        tried = marks
        let before = last
        let task = Task {
            _ = await before?.value
            return await self.perform(source)
        }
        last = task
        return await task.value
    }

    // MARK: Steps

    private func perform(_ source: RulesSource) async -> ReloadAnswer {
        let start = monitor.time.monotonic()
        let checked = await beside { () -> Result<LintReport, RuleFolderError> in
            do throws(RuleFolderError) { return .success(try source.check()) } catch { return .failure(error) }
        }
        var answer: ReloadAnswer
        switch checked {
        case .failure(let error): answer = refuse("\(error)\n", errors: 1)
        case .success(let report):
            if let ruleSet = report.ruleSet {
                answer = await take(ruleSet, report)
            } else {
                answer = refuse(report.text, errors: report.errorCount)
            }
        }
        answer.milliseconds = (monitor.time.monotonic() - start).milliseconds
        return answer
    }

    private func take(_ ruleSet: RuleSet, _ report: LintReport) async -> ReloadAnswer {
        let plan = table.plan(for: ruleSet.destinations, factory: factory, secrets: secrets)
        var findings = plan.findings
        if let problem = secrets.problem() { findings.append(problem) }
        if let alerts, ruleSet.destinations[alerts] == nil {
            findings.append(AlertConfiguration.missing(alerts))
        }
        guard findings.isEmpty else {
            return refuse(findings.map { $0 + "\n" }.joined(), errors: findings.count)
        }
        let before = current.current
        let isSame = before.hash == ruleSet.hash && plan.isEmpty
        if !isSame {
            await swap(to: ruleSet, plan)
            if let source { inForce = await beside { source.files(of: ruleSet) } }
        }
        let wasBroken = state.broken != nil
        state.broken = nil
        var answer = answer(isSame ? .unchanged : .loaded, report.text)
        if isSame {
            if wasBroken { log.notice("the rule files are as they were when the rules in force were loaded") }
            return answer
        }
        let (old, new) = (Set(before.ruleIDs), Set(ruleSet.ruleIDs))
        answer.rulesAdded = new.subtracting(old).count
        answer.rulesRemoved = old.subtracting(new).count
        answer.destinationsAdded = plan.added
        answer.destinationsRemoved = plan.removed
        answer.destinationsChanged = plan.changed
        say(answer)
        return answer
    }

    /// Destinations first, so that no delivery of a new rule finds its destination missing. What an event that is being
    /// routed just now still sends to one that is gone is kept, as everything that waits for it.
    private func swap(to ruleSet: RuleSet, _ plan: DestinationTable.Plan) async {
        for (runner, fresh) in plan.adoptions { await runner.adopt(fresh) }
        for runner in plan.stopped { await runner.stop() }
        for watch in plan.watches.stopped { await watch.stop() }
        if !plan.isEmpty { await outbox.setDestinations(plan.table.dispatch) }
        for runner in plan.started { await runner.start() }
        for watch in plan.watches.started { await watch.start() }
        table = plan.table
        monitor.changed(to: ruleSet)
        current.replace(by: ruleSet)
        // Lanes that stand until a rule is mended, and batches that no rule gathered, look again.
        await outbox.setDestinations(plan.table.dispatch)
        for name in plan.changed { await outbox.hurry(name) }
        await gatherer?.rulesChanged()
        state.generation += 1
        state.hash = ruleSet.hash
        state.loadedAt = monitor.time.wall()
        state.rules = ruleSet.ruleIDs.count
        state.destinations = ruleSet.destinations.count
    }

    private func refuse(_ text: String, errors: Int) -> ReloadAnswer {
        let broken = RulesStatus.Broken(at: monitor.time.wall(), errors: errors, text: text)
        state.failures += 1
        state.broken = broken
        var first = text.split(separator: "\n").first.map(String.init) ?? "no reason given"
        if first.hasSuffix(".") { first.removeLast() }
        log.error(
            """
            the edited rules are not used, \(errors == 1 ? "1 error" : "\(errors) errors"): \(first); the rules of \
            generation \(state.generation) go on. `sluice status` shows everything
            """)
        return answer(.refused, text)
    }

    private func answer(_ outcome: ReloadAnswer.Outcome, _ text: String) -> ReloadAnswer {
        ReloadAnswer(
            outcome: outcome, status: state, rulesAdded: 0, rulesRemoved: 0, destinationsAdded: [],
            destinationsRemoved: [], destinationsChanged: [], text: text, milliseconds: 0)
    }

    private func say(_ answer: ReloadAnswer) {
        let count = state.rules == 1 ? "1 rule" : "\(state.rules) rules"
        var parts = ["rules reloaded: generation \(state.generation), \(count)"]
        if answer.rulesAdded > 0 { parts.append("\(answer.rulesAdded) new") }
        if answer.rulesRemoved > 0 { parts.append("\(answer.rulesRemoved) gone") }
        for (names, word) in [
            (answer.destinationsAdded, "new"), (answer.destinationsChanged, "changed"),
            (answer.destinationsRemoved, "gone, what waits for it is kept"),
        ] where !names.isEmpty {
            parts.append("destination \(names.joined(separator: ", ")) \(word)")
        }
        log.notice("\(parts.joined(separator: ", "))", metadata: ["rules": "\(state.hash.prefix(12))"])
    }

    private func beside<Answer: Sendable>(_ body: @escaping @Sendable () -> Answer) async -> Answer {
        await withCheckedContinuation { continuation in
            work { continuation.resume(returning: body()) }
        }
    }
}
