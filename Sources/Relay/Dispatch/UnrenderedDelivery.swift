import Events

/// A delivery that was due, whose request could not be built, and whose rule says `onError: pause`.
///
/// It takes its place in its lane and holds it up, as the rule wants, without ever being sent as it is: what comes
/// after it for the same record waits in order. From time to time, and when rules were mended, its request is built
/// anew. Stored as a webhook call without a method, whose one header says why there is none.
extension Delivery {
    private static let reasonHeader = "unrendered"

    package static func unrendered(
        id: String, rule: String, destination: String, lane: String, origin: DeliveryOrigin, reason: String
    ) -> Delivery {
        Delivery(
            id: id, rule: rule, destination: destination, lane: lane,
            target: .webhook(method: "", path: "", headers: [.init(name: reasonHeader, value: reason)]), body: [],
            origin: origin, retry: RetryLimits(onError: .pause))
    }

    /// Why there is no request; nil for a delivery that can be sent.
    package var unrenderedReason: String? {
        guard body.isEmpty, case .webhook(let method, _, let headers) = target, method.isEmpty,
            let first = headers.first, first.name == Self.reasonHeader
        else { return nil }
        return first.value
    }
}

/// Builds requests anew, from the event in the journal, by the rules in force now.
package protocol DeliveryRenderer: Sendable {
    /// - Returns: the delivery with the same ID, or why there is still none.
    func render(_ delivery: Delivery) async -> Result<Delivery, UnrenderedReason>
}

package struct UnrenderedReason: Error, Sendable, Equatable {
    package var text: String

    package init(_ text: String) { self.text = text }
}

/// Stands in for the sink of a destination until a request can be built.
struct UnrenderedSink: Sink {
    let sink: any Sink
    let renderer: (any DeliveryRenderer)?

    func attempt(_ delivery: Delivery, number: Int) async -> AttemptOutcome {
        guard let renderer else { return .park(AttemptNote(reason: delivery.unrenderedReason ?? "")) }
        switch await renderer.render(delivery) {
        case .success(let rendered): return await sink.attempt(rendered, number: number)
        case .failure(let reason): return .park(AttemptNote(reason: reason.text))
        }
    }
}
