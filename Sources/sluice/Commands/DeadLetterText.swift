import Events
import Relay

/// Dead letters for people.
enum DeadLetterText {
    static func list(_ list: DeadLetterList) -> String {
        var text = "There are no dead letters of that kind.\n"
        if !list.letters.isEmpty {
            // Most relays have one org.
            let showsOrg = Set(list.letters.map(\.org)).count > 1
            let org = showsOrg ? ["ORG"] : []
            var table = Table(["ID", "DIED", "REASON"] + org + ["RULE", "DESTINATION", "RECORD", "REPLAY ID", "TRIES", "WHY"])
            for letter in list.letters {
                table.add([
                    letter.id, letter.diedAt.text, letter.isResending ? "sent again" : letter.reason,
                ] + (showsOrg ? [letter.org] : []) + [
                    letter.rule, letter.destination, letter.recordId.isEmpty ? letter.lane : letter.recordId, letter.replayId,
                    "\(letter.attempts)",
                    letter.detail.cut(to: 80),
                ])
            }
            text = table.text
        }
        if list.count > list.letters.count { text += "\(list.letters.count) of \(list.count); --limit shows more.\n" }
        if list.quarantined > 0 {
            text += "\(counted(list.quarantined, "event")) in quarantine: sluice dlq list --quarantine\n"
        }
        return text
    }

    static func quarantine(_ list: QuarantineList) -> String {
        guard !list.events.isEmpty else { return "No event is in quarantine.\n" }
        var table = Table(["NUMBER", "RECEIVED", "ORG", "TOPIC", "REPLAY ID", "BYTES", "WHY"])
        for event in list.events {
            table.add([
                "\(event.id)", event.at.text, event.org, event.topic, event.replayId, "\(event.payloadBytes)",
                event.reason.cut(to: 100),
            ])
        }
        return table.text
            + "\(list.count) of at most \(list.maximumCount), \(list.bytes) bytes of at most \(list.maximumBytes); beyond "
            + "that the topic that brings another one is parked.\n"
    }

    static func quarantined(_ detail: QuarantineDetail) -> String {
        let line = detail.line
        var text = Terminal.output.styled("Quarantined event \(line.id)", .bold) + "\n"
        let shown = detail.payloadHex ?? "\(line.payloadBytes) bytes\(detail.isLimited ? "" : "; --body full shows them")"
        text += rows([
            ("reason", line.reason), ("topic", "\(line.topic), replay ID \(line.replayId)"), ("org", line.org),
            ("event", line.eventId), ("received", line.at.text),
            ("schema", line.schemaId + (detail.schema == nil ? ", which is not stored" : "; --json shows it")), ("payload", shown),
        ])
        if detail.isLimited {
            text += "  (a rule says 'bodies', or there are no rules: no payload is shown, since it is not known whose event it is)\n"
        }
        return text + "`sluice dlq retry --quarantine \(line.id)` decodes it again.\n"
    }

    static func detail(_ detail: DeadLetterDetail) -> String {
        let line = detail.line
        var text = Terminal.output.styled(line.id, .bold) + "\n"
        text += rows([
            ("reason", "\(line.reason): \(line.detail)"), ("rule", line.rule), ("destination", line.destination),
            ("lane", line.lane), ("event", "\(line.entity) \(line.recordId) \(detail.change)"),
            ("topic", "\(line.topic), replay ID \(line.replayId)"),
            ("org", line.org == detail.orgId ? line.org : "\(line.org) (\(detail.orgId))"),
            ("committed", line.time.text), ("died", line.diedAt.text + (line.isResending ? ", is being sent again" : "")),
            ("request", request(detail)),
        ])
        for header in detail.request?.headers ?? [] {
            text += String(repeating: " ", count: 15) + "\(header.name): \(header.value)\n"
        }
        if let body = detail.body { text += "  body         \(body.isEmpty ? "(empty)" : body)\n" }
        if detail.isLimited { text += "  (its rule says 'bodies', or is not among today's rules: no more of the body is shown)\n" }
        text += detail.history.isEmpty ? "No attempt was made.\n" : "\(counted(line.attempts, "attempt")) in all:\n"
        for attempt in detail.history { text += self.attempt(attempt) }
        return text
    }

    private static func rows(_ rows: [(name: String, value: String)]) -> String {
        rows.map { "  \($0.name)" + String(repeating: " ", count: 13 - $0.name.count) + $0.value + "\n" }.joined()
    }

    private static func request(_ detail: DeadLetterDetail) -> String {
        if let request = detail.request { return "\(request.method) \(request.url)" }
        return switch detail.target {
        case .webhook(let method, let path, _):
            "\(method) <url of \(detail.line.destination)>\(path)"
        case .flow: "POST to FlowMate, \(detail.target.inWords)"
        case .listener(let name): "POST to listener \(name)"
        case .run(let run): "a run of flow \(run.flow)"
        default: "gathered with others"
        }
    }

    private static func attempt(_ attempt: DeadLetterAttempt) -> String {
        let number = attempt.number == 0 ? "  -" : "  \(attempt.number)"
        var text = "\(number)  \(attempt.at.text)  \(attempt.status.map { "\($0) " } ?? "")\(attempt.reason)"
        if attempt.possibleDuplicate { text += " (the receiver may have acted on it)" }
        for header in attempt.headers { text += "\n       \(header)" }
        if !attempt.excerpt.isEmpty { text += "\n       " + Terminal.output.styled(attempt.excerpt, .dim) }
        return text + "\n"
    }

    static func retried(_ outcome: DeadLetterOutcome, isQuarantine: Bool) -> String {
        var text: String
        if isQuarantine {
            let deliveries = outcome.deliveries == 1 ? "1 delivery" : "\(outcome.deliveries) deliveries"
            text = "\(counted(outcome.count, "event")) decoded, with \(deliveries).\n"
        } else if outcome.waitsForRelay {
            text = "\(outcome.count) put back to the outbox; sent when a relay runs.\n"
        } else {
            text = "\(outcome.count) sent again; `sluice dlq list` and `sluice status` show what becomes of them.\n"
        }
        for skipped in outcome.skipped { text += "not \(skipped.id): \(skipped.reason)\n" }
        if outcome.skippedCount > outcome.skipped.count {
            text += "and \(outcome.skippedCount - outcome.skipped.count) more.\n"
        }
        return text
    }
}
