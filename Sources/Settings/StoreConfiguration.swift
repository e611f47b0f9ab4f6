import Documents
import Events

/// How much of what passed is kept. Nil is the store's own default.
package struct StoreConfiguration: Sendable, Equatable {
    package var journalMilliseconds: Int64?
    package var journalBytes: Int64?
    package var quarantineCount: Int?
    package var quarantineBytes: Int64?
    package var sentMilliseconds: Int64?
    package var sentBytes: Int64?

    package init() {}

    init(_ node: YAMLNode?) {
        journalMilliseconds = node?["journal"]?.milliseconds("keep")
        journalBytes = node?["journal"]?.bytes("size")
        quarantineCount = node?["quarantine"]?.integer("count")
        quarantineBytes = node?["quarantine"]?.bytes("size")
        sentMilliseconds = node?["sent"]?.milliseconds("keep")
        sentBytes = node?["sent"]?.bytes("size")
    }
}

/// Who is told about possible gaps, besides the log.
package struct AlertConfiguration: Sendable, Equatable {
    /// A destination of the rule files.
    package var destination: String
    /// For a webhook: appended to its URL.
    package var path: String?
    /// For FlowMate: the flow.
    package var flow: String?
    /// For integrator.io: the listener.
    package var listener: String?

    /// What to say when no rule file declares it.
    package static func missing(_ destination: String) -> String {
        "alerts: no rule file declares the destination '\(destination)', which sluice.yaml sends alerts to. Declare it, or "
            + "change alerts.destination in sluice.yaml and restart"
    }

    init?(_ node: YAMLNode?) {
        guard let node, let destination = node.text("destination") else { return nil }
        self.destination = destination
        path = node.text("path")
        flow = node.text("flow")
        listener = node.text("listener")
    }

    package var target: DeliveryTarget {
        if let flow { return .flow(id: flow) }
        if let listener { return .listener(name: listener) }
        // As in a rule, the slash may be left out.
        let path = path.map { $0.hasPrefix("/") ? $0 : "/" + $0 }
        return .webhook(method: "POST", path: path ?? "", headers: [])
    }
}

enum StoreKeys {
    static let store = KeyTable(
        "store",
        [
            Key("path", .text, default: "sluice.db", "Relative to this file."),
            Key("journal", .table(journal), "Received events, for replays and for looking things up."),
            Key("quarantine", .table(quarantine), "Events that cannot be decoded. When full, their topic parks."),
            Key("sent", .table(sent), "Acknowledged requests, for `replay --resend`. Off unless it has a size."),
        ])

    static let alerts = KeyTable(
        "alerts",
        [
            Key("destination", .name, required: true, "Of the rule files: who is told about possible gaps."),
            Key("path", .text, "For a webhook: appended to its URL."),
            Key("flow", .hexID, "For FlowMate: the flow to call."),
            Key("listener", .name, "For integrator.io: the listener to post to."),
        ])

    private static let journal = KeyTable(
        "journal",
        [
            Key("keep", .duration, default: "72h", "How long."),
            Key("size", .size, default: "256MB", "How much, oldest given up first; 0 keeps none."),
        ])
    private static let quarantine = KeyTable(
        "quarantine",
        [
            Key("count", .integer(1...1_000_000), default: "10000", "Events."),
            Key("size", .size, default: "64MB", "Of their payloads."),
        ])
    private static let sent = KeyTable(
        "sent",
        [
            Key("keep", .duration, default: "24h", "How long."),
            Key("size", .size, default: "0", "How much, oldest given up first; 0 keeps none."),
        ])
}
