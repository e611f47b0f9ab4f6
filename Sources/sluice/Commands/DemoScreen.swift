import Emulator
import Events
import Relay
import Rules
import Synchronization

/// Shows events, what the rules made of them, and what became of each delivery, one line each.
final class DemoScreen: RelayObserver {
    private struct State {
        var events = 0
        var matched = 0
        var delivered: [String: Int] = [:]
        var failed = 0
        var full: [CheckedContinuation<Void, Never>] = []
        var isFull = false
    }

    private let limit: Int?
    private let state = Mutex(State())

    init(limit: Int?) { self.limit = limit }

    func title(_ emulator: EmulatorHandle) {
        let text = """
            Emulated Salesforce, FlowMate and integrator.io at \(emulator.url) (Pub/Sub on port \(emulator.grpcPort))
            Each event, the rules it matched, and each delivery. Ctrl-C ends it.

            """
        Terminal.output.write(Terminal.output.styled(text, .dim) + "\n")
    }

    func routed(_ event: Event, _ result: RoutingResult) {
        let isOver = state.withLock { state -> Bool in
            if state.isFull { return true }
            state.events += 1
            if !result.deliveries.isEmpty { state.matched += 1 }
            guard let limit, state.events >= limit else { return false }
            state.isFull = true
            for continuation in state.full { continuation.resume() }
            state.full.removeAll()
            return false
        }
        guard !isOver else { return }
        let output = Terminal.output
        let kind = event.header?.changeType.symbol ?? "EVENT"
        let fields = (event.header?.changedFields ?? []).prefix(4).joined(separator: ", ")
        let rules = result.deliveries.map(\.rule)
        let target = rules.isEmpty ? output.styled("no rule", .dim) : output.styled(rules.joined(separator: ", "), .cyan)
        output.write(
            "\(clock(event.time))  \(output.styled(padded(kind, 11), .bold)) \(padded(event.entity, 26)) "
                + "\(padded(event.recordID, 18)) → \(target)"
                + (fields.isEmpty ? "" : output.styled("  [\(fields)]", .dim)) + "\n")
    }

    func attempted(
        _ delivery: Delivery, number: Int, outcome: AttemptOutcome, milliseconds: Int64, at now: Moment
    ) {
        let output = Terminal.output
        let what = "\(delivery.destination) \(delivery.target.inWords)"
        let status = outcome.note.status.map { " \($0)" } ?? ""
        switch outcome {
        case .delivered:
            state.withLock { $0.delivered[delivery.destination, default: 0] += 1 }
            // A run covers many claims at once, some time after the events.
            let took = if case .run = delivery.target { " " + outcome.note.reason } else { "\(status), \(milliseconds) ms" }
            output.write(
                "              \(output.styled("✓", .green)) \(what)\(took)" + output.styled("  \(delivery.id)", .dim)
                    + "\n")
        case .nothing: break
        case .retry, .hold, .park:
            state.withLock { $0.failed += 1 }
            output.write("              \(output.styled("✗", .red)) \(what)\(status): \(outcome.note.reason)\n")
        }
    }

    /// Returns when the limit of events is reached.
    func full() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isFull = state.withLock { state in
                    if !state.isFull, !Task.isCancelled { state.full.append(continuation) }
                    return state.isFull || Task.isCancelled
                }
                if isFull { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                defer { state.full.removeAll() }
                return state.full
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    func summary(_ status: DispatchStatus, received: Int) {
        let (events, matched, delivered, failed) = state.withLock { ($0.events, $0.matched, $0.delivered, $0.failed) }
        var text = "\n\(events) events, \(matched) matched a rule, \(failed) attempts failed\n"
        var table = Table(["DESTINATION", "DELIVERED", "PENDING", "DEAD LETTERS"])
        for destination in status.destinations {
            table.add([
                destination.name, "\(delivered[destination.name] ?? 0)", "\(destination.pending)",
                "\(destination.deadLetters)",
            ])
        }
        text += table.text + "The emulated targets received \(received) requests.\n"
        Terminal.output.write(text)
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// `03:00:30.123`
    private func clock(_ time: Int64) -> String { Timestamp.timeOnly(time) }
}

extension DeliveryTarget {
    fileprivate var inWords: String {
        switch self {
        case .webhook(let method, let path, _): path.isEmpty ? method : "\(method) \(path)"
        case .flow(let id, _): "flow \(id)"
        case .listener(let name): "listener \(name)"
        case .run(let request): "run of flow \(request.flow)"
        case .batch(let claim): "gathered under \(claim.key)"
        }
    }
}
