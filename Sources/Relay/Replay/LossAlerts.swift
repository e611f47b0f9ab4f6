import Crypto
import Events
import Logging
import Store

/// Sends statements about possible gaps to a destination, as deliveries: they wait, are retried and become dead letters
/// as all others do. An alert that cannot be delivered makes no further alert.
package struct LossAlerts: Sendable {
    /// In place of a rule's ID.
    package static let rule = "sluice-alerts"

    private let destination: String
    private let target: DeliveryTarget
    private let outbox: Outbox
    private let time: TimeSource
    private let log: Logger

    /// - Parameters:
    ///   - destination: its name in the rule files.
    ///   - target: what to call there: a webhook, a FlowMate flow, or a listener.
    package init(destination: String, target: DeliveryTarget, outbox: Outbox, time: TimeSource = .system, log: Logger) {
        self.destination = destination
        self.target = target
        self.outbox = outbox
        self.time = time
        self.log = log
    }

    /// Only possible gaps, and fields that changed, are worth waking somebody for.
    package func stated(_ statement: LossStatement) async {
        guard [LossStatement.gap, LossStatement.schemaChange].contains(statement.kind) else { return }
        let cursor = Cursor(
            key: Cursor.Key(org: statement.key.org, topic: statement.key.topic, scope: .none), orgID: "",
            instanceURL: "", replayID: ReplayID([0])!, commitTime: nil, updatedAt: statement.at)
        do {
            try await outbox.accept(RoutedBatch(cursor: cursor, deliveries: [delivery(statement)]))
        } catch {
            log.warning("the alert (\(statement.kind)) was not sent: \(error)")
        }
    }

    func delivery(_ statement: LossStatement) -> Delivery {
        let key = statement.key
        let origin = DeliveryOrigin(
            orgID: "", topic: key.topic, replayID: ReplayID([0])!, entity: "", change: "", recordID: "",
            time: statement.at)
        return Delivery(
            id: id(statement), rule: Self.rule, destination: destination, lane: Self.rule, target: target,
            body: body(statement), origin: origin, retry: RetryLimits())
    }

    private func id(_ statement: LossStatement) -> String {
        let text = "\(statement.key.org)\n\(statement.key.topic)\n\(statement.kind)\n\(statement.at)\n\(statement.text)"
        return Delivery.idPrefix + Events.Hex.encode(Array(SHA256.hash(data: Array(text.utf8)).prefix(16)))
    }

    private func body(_ statement: LossStatement) -> [UInt8] {
        var fields: Fields = [
            "type": .string("sluice.\(statement.kind)"), "at": .timestamp(statement.at), "org": .string(statement.key.org),
            "topic": .string(statement.key.topic), "text": .string(statement.text),
        ]
        if let from = statement.lostFrom { fields.append("from", .timestamp(from)) }
        if let until = statement.lostUntil { fields.append("until", .timestamp(until)) }
        var text = JSONText()
        // FlowMate takes an envelope.
        if case .flow = target { text.value(.record(["data": .record(fields)])) } else { text.value(.record(fields)) }
        return text.bytes
    }
}
