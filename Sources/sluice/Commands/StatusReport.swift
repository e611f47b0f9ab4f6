import Events
import Store

/// What the store tells about a relay, at one moment.
struct StatusReport {
    private let now: Int64
    /// Nil: no relay is running, and what follows is how the last one left it.
    private let writer: String?
    private let cursors: [Cursor]
    private let streams: [StreamState]
    private let pending: [PendingCount]
    private let destinations: [DestinationState]
    private let deadLetters: [String: Int]
    private let quarantined: Int
    private let statements: [LossStatement]

    init(_ store: Store, now: Int64) async throws(StoreError) {
        self.now = now
        writer = store.writer
        cursors = try await store.cursors()
        streams = try await store.streamStates()
        pending = try await store.pendingCounts()
        destinations = try await store.destinationStates()
        deadLetters = try await store.deadLetterCounts()
        quarantined = try await store.quarantineCount()
        statements = try await store.statements(limit: 5)
    }

    // MARK: Text

    var text: String {
        let relay = writer.map { "Relay: \($0)\n\n" } ?? "No relay is running; this is how the last one left it.\n\n"
        var text = relay + streamText + "\n" + destinationText
        if quarantined > 0 { text += "\nQuarantined events that could not be decoded: \(quarantined)\n" }
        if !statements.isEmpty {
            text += "\nLast statements about completeness:\n"
            for statement in statements {
                text += "  \(Timestamp.rfc3339(statement.at)) \(statement.key.org) \(statement.key.topic): \(statement.text)\n"
            }
        }
        return text
    }

    private var streamText: String {
        guard !streams.isEmpty else { return "No topic has been subscribed to yet.\n" }
        var table = Table(["ORG", "TOPIC", "STATE", "SINCE", "RECONNECTS", "LAST COMMIT", "CURSOR MOVED", "DETAIL"])
        for stream in streams {
            let cursor = cursors.first { $0.key == stream.key }
            table.add([
                stream.key.org, stream.key.topic, state(stream), ago(stream.since), "\(stream.reconnects)",
                ago(cursor?.commitTime), ago(cursor?.updatedAt), stream.detail.isEmpty ? "-" : stream.detail,
            ])
        }
        return table.text
    }

    /// A stream of a relay that is gone is not streaming, whatever it last said.
    private func state(_ stream: StreamState) -> String {
        writer == nil && stream.state != "stopped" ? "not running" : stream.state
    }

    private var destinationText: String {
        let names = destinationNames
        guard !names.isEmpty else { return "Nothing waits for any destination, and there are no dead letters.\n" }
        var table = Table(["DESTINATION", "PENDING", "OLDEST", "DEAD LETTERS", "STATE", "DETAIL"])
        for name in names {
            let waiting = pending.filter { $0.destination == name }
            let state = destinations.first { $0.destination == name }
            table.add([
                name, "\(waiting.map(\.count).reduce(0, +))", ago(waiting.compactMap(\.oldestTime).min()),
                "\(deadLetters[name] ?? 0)", state?.state ?? "ok", detail(state),
            ])
        }
        return table.text
    }

    private var destinationNames: [String] {
        Set(pending.map(\.destination) + destinations.map(\.destination) + deadLetters.keys).sorted()
    }

    private func detail(_ state: DestinationState?) -> String {
        guard let state else { return "-" }
        guard let next = state.nextTry else { return state.detail }
        return next > now ? "\(state.detail); next try in \((next - now + 999) / 1000) s" : state.detail
    }

    /// `12s ago`, `5m ago`, `3h ago`
    private func ago(_ time: Int64?) -> String {
        guard let time else { return "-" }
        let seconds = max(0, now - time) / 1000
        switch seconds {
        case ..<60: return "\(seconds)s ago"
        case ..<7200: return "\(seconds / 60)m ago"
        case ..<172_800: return "\(seconds / 3600)h ago"
        default: return "\(seconds / 86_400)d ago"
        }
    }

    // MARK: JSON

    var json: [UInt8] {
        var text = JSONText()
        text.value(
            .record([
                "at": .timestamp(now), "relay": writer.map(Value.string) ?? .null, "topics": .list(streams.map(topicValue)),
                "destinations": .list(destinationNames.map(destinationValue)),
                "quarantined": .int(Int64(quarantined)),
                "statements": .list(
                    statements.map {
                        .record([
                            "at": .timestamp($0.at), "org": .string($0.key.org), "topic": .string($0.key.topic),
                            "kind": .string($0.kind), "text": .string($0.text),
                        ])
                    }),
            ]))
        return text.bytes + [UInt8(ascii: "\n")]
    }

    private func topicValue(_ stream: StreamState) -> Value {
        .record([
            "org": .string(stream.key.org), "topic": .string(stream.key.topic), "state": .string(state(stream)),
            "detail": .string(stream.detail), "since": .timestamp(stream.since),
            "reconnects": .int(Int64(stream.reconnects)),
            "cursor": cursors.first { $0.key == stream.key }?.value ?? .null,
        ])
    }

    private func destinationValue(_ name: String) -> Value {
        let waiting = pending.filter { $0.destination == name }
        let state = destinations.first { $0.destination == name }
        return .record([
            "name": .string(name), "pending": .int(Int64(waiting.map(\.count).reduce(0, +))),
            "oldestCommitTime": waiting.compactMap(\.oldestTime).min().map(Value.timestamp) ?? .null,
            "deadLetters": .int(Int64(deadLetters[name] ?? 0)), "state": .string(state?.state ?? "ok"),
            "detail": .string(state?.detail ?? ""), "nextTry": state?.nextTry.map(Value.timestamp) ?? .null,
        ])
    }
}
