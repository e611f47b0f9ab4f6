import Events
import Synchronization

/// A delivery whose request could not be built: its rule says `onError: pause`, or its record could not be read yet.
///
/// It takes its place in its lane and holds it up without ever being sent as it is: what comes after it for the same
/// record waits in order. From time to time, and when rules were mended, its request is built anew. Stored as a webhook
/// call without a method, whose one header says why there is none.
extension Delivery {
    private static let reasonHeader = "unrendered"
    private static let deferredHeader = "deferred"

    package static func unrendered(
        id: String, rule: String, destination: String, lane: String, origin: DeliveryOrigin, reason: String,
        retry: RetryLimits = RetryLimits(onError: .pause), isDeferred: Bool = false
    ) -> Delivery {
        let header = DeliveryTarget.Header(name: isDeferred ? deferredHeader : reasonHeader, value: reason)
        return Delivery(
            id: id, rule: rule, destination: destination, lane: lane,
            target: .webhook(method: "", path: "", headers: [header]), body: [], origin: origin, retry: retry)
    }

    /// Why there is no request; nil for a delivery that can be sent.
    package var unrenderedReason: String? { reasonWithoutRequest?.value }

    /// Nobody knows yet whether its rule wants it.
    package var isDeferred: Bool { reasonWithoutRequest?.name == Self.deferredHeader }

    private var reasonWithoutRequest: DeliveryTarget.Header? {
        guard body.isEmpty, case .webhook(let method, _, let headers) = target, method.isEmpty,
            let first = headers.first, [Self.reasonHeader, Self.deferredHeader].contains(first.name)
        else { return nil }
        return first
    }
}

/// Builds requests anew, from the event as it came, by the rules in force now.
package protocol DeliveryRenderer: Sendable {
    /// Changes with the rules.
    var version: String { get }
    func render(_ delivery: Delivery) async -> Rendering
}

extension DeliveryRenderer {
    package var version: String { "" }
}

/// What came of building a request anew.
package enum Rendering: Sendable, Equatable {
    /// With the same ID.
    case ready(Delivery)
    /// The rules make no such delivery of its event.
    case nothing
    /// Something that it needs cannot be had now.
    case later(String)
    case failed(String)
}

/// Stands in for the sink of a destination at one attempt of a delivery whose request is built only then.
final class UnrenderedSink: Sink {
    private let sink: any Sink
    private let renderer: (any DeliveryRenderer)?
    private let request = Mutex<Delivery?>(nil)

    init(sink: any Sink, renderer: (any DeliveryRenderer)?) {
        self.sink = sink
        self.renderer = renderer
    }

    /// The delivery with the request that was made of it; nil if none could be built.
    var sent: Delivery? { request.withLock { $0 } }

    nonisolated(nonsending) func attempt(_ delivery: Delivery, number: Int) async -> AttemptOutcome {
        let reason = delivery.unrenderedReason ?? ""
        switch await renderer?.render(delivery) ?? .failed(reason) {
        case .ready(let rendered) where rendered.destination != delivery.destination || rendered.isGathered:
            var note = Self.note(
                rendered.isGathered
                    ? "today's rules gather its event; `sluice dlq retry` hands it to them"
                    : "today's rules send it to \(rendered.destination); `sluice dlq retry` does")
            note.isForAnother = true
            return .park(note)
        case .ready(let rendered):
            request.withLock { $0 = rendered }
            return Self.alone(await sink.attempt(rendered, number: number))
        case .nothing where delivery.isDeferred: return .nothing(Self.note("its rule does not want it"))
        case .nothing: return .park(Self.note("\(reason); today's rules make no such delivery of its event"))
        case .later(let why): return .hold(Self.note(why), scope: .target, for: nil)
        case .failed(let why): return .park(Self.note(why))
        }
    }

    /// What holds its flow or listener holds up its own lane only: in the dispatcher's eyes it stands with all that have
    /// no request, whatever they are for.
    private static func alone(_ outcome: AttemptOutcome) -> AttemptOutcome {
        guard case .hold(var note, .target, let length) = outcome else { return outcome }
        note.receiverWasAsked = false
        return .retry(note, after: length ?? targetWait)
    }

    private static let targetWait: Duration = .seconds(60)

    /// Nobody was asked.
    private static func note(_ reason: String) -> AttemptNote {
        var note = AttemptNote(reason: reason)
        note.receiverWasAsked = false
        return note
    }
}
