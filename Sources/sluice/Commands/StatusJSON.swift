import Events
import Relay

extension StatusReport {
    /// For `--json`: times as RFC 3339.
    var json: [UInt8] {
        var text = JSONText()
        text.value(value)
        return text.bytes + [UInt8(ascii: "\n")]
    }

    private var value: Value {
        .record([
            "at": .timestamp(at), "relay": Self.text(relay), "live": .bool(isLive), "version": Self.text(version),
            "startedAt": Self.time(startedAt), "stopsBy": Self.time(stopsBy), "rules": rules.map(Self.value) ?? .null,
            "topics": .list(topics.map(\.value)), "destinations": .list(destinations.map(\.value)),
            "ruleCounts": .list(ruleCounts.map(\.value)), "quarantined": .int(Int64(quarantined)),
            "statements": .list(
                statements.map {
                    .record([
                        "at": .timestamp($0.at), "org": .string($0.org), "topic": .string($0.topic),
                        "kind": .string($0.kind), "text": .string($0.text),
                    ])
                }),
            "backfills": .list(backfills.map(\.value)), "replays": .list(replays.map(\.value)),
            "replayedEvents": .int(Int64(replayedEvents)), "reading": .list(reading.map(\.value)),
            "storeFailure": Self.text(storeFailure), "storeNextTry": Self.time(storeNextTry),
            "backedUp": .bool(isBackedUp),
            "signInRefused": .list(signInRefused.filter(\.value).keys.sorted().map(Value.string)),
            "deliveryUse": .record(
                Fields(deliveryUse.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: .double($0.value)) })),
        ])
    }

    private static func value(_ rules: RulesStatus) -> Value {
        .record([
            "generation": .int(Int64(rules.generation)), "hash": .string(rules.hash),
            "loadedAt": .timestamp(rules.loadedAt), "rules": .int(Int64(rules.rules)),
            "destinations": .int(Int64(rules.destinations)), "failures": .int(Int64(rules.failures)),
            "broken": rules.broken.map {
                .record(["at": .timestamp($0.at), "errors": .int(Int64($0.errors)), "text": .string($0.text)])
            } ?? .null,
        ])
    }

    static func text(_ text: String?) -> Value { text.map(Value.string) ?? .null }
    static func time(_ time: Int64?) -> Value { time.map(Value.timestamp) ?? .null }
    static func number(_ number: Int64?) -> Value { number.map(Value.int) ?? .null }

    static func counts(_ counts: [String: Int]) -> Value {
        .record(Fields(counts.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: .int(Int64($0.value))) }))
    }
}

extension StatusReport.Reading {
    fileprivate var value: Value {
        .record([
            "org": .string(org), "topic": .string(topic), "entity": .string(entity), "records": .int(Int64(records)),
            "events": .int(Int64(events)), "since": .timestamp(since),
        ])
    }
}

extension StatusReport.Topic {
    fileprivate var value: Value {
        .record([
            "org": .string(org), "topic": .string(topic), "state": .string(state), "detail": .string(detail),
            "since": .timestamp(since), "reconnects": .int(Int64(reconnects)), "failures": .int(Int64(failures)),
            "nextTry": StatusReport.time(nextTry),
            "lastReceivedAt": StatusReport.time(lastReceivedAt), "lagMilliseconds": StatusReport.number(lagMilliseconds),
            "headroomSeconds": StatusReport.number(headroomSeconds), "events": .int(Int64(events)),
            "quarantined": .int(Int64(quarantined)), "gaps": StatusReport.counts(gaps),
            "possibleGaps": .int(Int64(possibleGaps)), "schemaChanges": .int(Int64(schemaChanges)),
            "cursor": cursor.map { cursor in
                .record([
                    "org": .string(org), "topic": .string(topic), "orgId": .string(cursor.orgID),
                    "instanceUrl": .string(cursor.instanceURL), "replayId": .string(cursor.replayID),
                    "commitTime": StatusReport.time(cursor.commitTime), "updatedAt": .timestamp(cursor.updatedAt),
                ])
            } ?? .null,
        ])
    }
}

extension StatusReport.Destination {
    fileprivate var value: Value {
        .record([
            "name": .string(name), "pending": .int(Int64(pending)),
            "oldestCommitTime": StatusReport.time(oldestCommitTime), "deadLetters": .int(Int64(deadLetters)),
            "state": .string(state), "detail": .string(detail), "since": StatusReport.time(since),
            "nextTry": StatusReport.time(nextTry), "live": live?.value ?? .null,
            "runs": .list(runs.map(\.value)), "listeners": .list(listeners.map(\.value)), "echo": StatusReport.text(echo),
            "losses": .list(losses.map(Value.string)),
        ])
    }
}

extension StatusReport.Run {
    fileprivate var value: Value {
        .record([
            "flow": .string(flow), "phase": .string(phase), "jobs": .list(jobs.map(Value.string)),
            "since": StatusReport.time(since), "due": StatusReport.time(due), "waiting": .int(Int64(waiting)),
            "claimed": .int(Int64(claimed)), "failures": .int(Int64(failures)),
            "covered": StatusReport.time(covered), "notice": .string(notice),
        ])
    }
}

extension StatusReport.Listener {
    fileprivate var value: Value {
        .record([
            "name": .string(name), "state": .string(state), "detail": .string(detail),
            "checkedAt": StatusReport.time(checkedAt),
        ])
    }
}

extension StatusReport.Destination.Live {
    fileprivate var value: Value {
        .record([
            "breaker": .string(breaker), "inFlight": .int(Int64(inFlight)), "concurrency": .int(Int64(concurrency)),
            "adaptive": .bool(isAdaptive), "blockedLanes": .int(Int64(blockedLanes)),
            "pausedLanes": .int(Int64(pausedLanes)), "retryingLanes": .int(Int64(retryingLanes)),
            "rateLimit": rateLimit.map(Value.double) ?? .null,
            "pausedUntil": StatusReport.time(pausedUntil), "rate": .double(rate), "delivered": .int(Int64(delivered)),
            "failedAttempts": .int(Int64(failedAttempts)), "died": .int(Int64(died)), "dropped": .int(Int64(dropped)),
            "attempts": StatusReport.counts(attempts),
        ])
    }
}

extension StatusReport.Rule {
    fileprivate var value: Value {
        .record([
            "id": .string(id), "outcomes": StatusReport.counts(outcomes), "failures": .int(Int64(failures)),
            "delivered": .int(Int64(delivered)), "failedAttempts": .int(Int64(failedAttempts)),
            "replayed": .int(Int64(replayed)), "deadLetters": .int(Int64(deadLetters)),
            "ageMilliseconds": .int(ageMilliseconds),
        ])
    }
}

extension StatusReport.Replay {
    fileprivate var value: Value {
        .record([
            "id": .string(id), "state": .string(state), "detail": .string(detail),
            "topics": .list(topics.map(Value.string)), "events": .int(Int64(events)),
            "deliveries": .int(Int64(deliveries)), "failures": .int(Int64(failures)),
            "fraction": fraction.map(Value.double) ?? .null, "createdAt": .timestamp(createdAt),
            "updatedAt": .timestamp(updatedAt),
        ])
    }
}

extension StatusReport.Backfill {
    fileprivate var value: Value {
        .record([
            "id": .string(id), "org": .string(org), "title": .string(title), "cause": .string(cause),
            "state": .string(state), "detail": .string(detail), "records": .int(Int64(records)),
            "deleted": .int(Int64(deleted)), "expected": StatusReport.number(expected.map(Int64.init)),
            "updatedAt": .timestamp(updatedAt),
        ])
    }
}
