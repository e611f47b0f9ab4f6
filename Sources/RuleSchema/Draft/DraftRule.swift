import Events
import Rules

/// The text of a drafted rule file.
struct DraftRule {
    let subject: DraftSubject
    let kind: Destination.Kind

    /// Takes the place of a flow's ID until somebody knows it.
    static let placeholderFlow = "000000000000000000000000"

    var ruleID: String {
        if subject.isPlatform { return subject.slug }
        if subject.isGap { return "\(subject.slug)-gap" }
        return subject.isDelete ? "\(subject.slug)-deleted" : "\(subject.slug)-changed"
    }

    var text: String {
        let origin = subject.isMadeUp ? "the object alone" : "one event"
        var lines = [
            "# yaml-language-server: $schema=./sluice-rules-1.json",
            "# Drafted from \(origin): read it through, and fill in where it goes.",
            "# Every rule that matches fires. Check with `sluice rules lint`, run its test with `sluice rules test`,",
            "# and hold it against the events of the last hour with `sluice rules dry-run`.", "sluice: 1", "",
            "destinations:",
        ]
        lines += destination
        lines += ["", "rules:", "  - id: \(ruleID) # part of every delivery's ID: keep it"]
        lines += match
        lines += delivery
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: Parts

    private var name: String { "\(subject.slug)-\(kind == .webhook ? "hook" : kind.rawValue)" }

    private var destination: [String] {
        let variable = name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
        switch kind {
        case .webhook:
            return [
                "  \(name):", "    kind: webhook",
                "    url: https://hooks.example.com/salesforce/\(subject.slug) # yours",
                "    # auth:", "    #   bearer: {env: \(variable)_TOKEN} # a secret is never written here",
                "    # sign:", "    #   scheme: standard-webhooks", "    #   secrets: [{env: \(variable)_SECRET}]",
            ]
        case .salesforce: return []
        case .flowmate:
            return [
                "  \(name):", "    kind: flowmate", "    baseUrl: https://api.platform.openintegrationhub.com",
                "    auth:", "      bearer: {env: FLOWMATE_TOKEN}",
            ]
        case .integrator:
            return [
                "  \(name):", "    kind: integrator",
                "    baseUrl: https://api.integrator.io # in the EU: https://api.eu.integrator.io", "    auth:",
                "      bearer: {env: INTEGRATOR_TOKEN}",
            ] + (subject.isDelete ? ["    listeners:", "      deletes:", "        url: {env: \(variable)_URL}"] : [])
        }
    }

    private var match: [String] {
        guard !subject.isPlatform else { return ["    match:", "      event: \(subject.event.entity)"] }
        var lines = ["    match:", "      entity: \(subject.event.entity)"]
        if subject.isGap {
            lines.append("      change: [gap, overflow] # as they come: that something changed, and no fields")
        } else if subject.isDelete {
            lines.append("      change: [delete]")
        } else {
            lines.append("      change: [create, update, undelete] # without delete")
        }
        lines += changed
        if kind != .webhook, !subject.isGap, !subject.isDelete {
            lines += [
                "      ignore: {} # what the flow writes back comes round again: name its API client,",
                "      #   clients: [...]",
            ]
        }
        guard !subject.isGap else { return lines }
        return lines + [
            "    # A condition on the event, in CEL. A field that an update does not tell is absent, neither null nor",
            "    # false: .?Field.orDefault(...) says what it counts as.", "    # when: |", "    #   \(condition)",
            "    # onGap: fetch # the default: when Salesforce tells only that a record changed, the record is read",
        ]
    }

    private var changed: [String] {
        guard !subject.changed.isEmpty else { return [] }
        return ["      changed: # any of these; on a create, those that have a value"]
            + subject.changed.map { "        - \($0)" }
    }

    private var condition: String {
        guard let field = subject.keys.first?.field else { return "org.alias == '\(subject.event.org.alias)'" }
        return "record.?\(field).orDefault('') != ''"
    }

    // MARK: Delivery

    private var delivery: [String] {
        var lines = ["    to:", "      destination: \(name)"]
        switch kind {
        case .webhook: lines += ["      body:"] + body
        case .salesforce: break
        case .flowmate:
            lines +=
                [
                    "      flow: \"\(Self.placeholderFlow)\" # the flow's ID: `sluice flowmate flows` lists them",
                    "      data: # what the flow's first step gets",
                ] + body
        case .integrator where subject.isDelete:
            lines +=
                [
                    "      listener: deletes # a flow run reads the records that are there; a listener is told",
                    "      body:",
                ] + body
        case .integrator:
            lines += [
                "      flow: \"\(Self.placeholderFlow)\" # the flow's ID: `sluice integrator flows` lists them",
                "      window: # the flow reads what changed in between",
                "        from: ${batch.firstCommit - duration('5s')}",
                "        until: ${batch.lastCommit + duration('1s')}",
                "      coalesce: # many changes, one run: after 20 quiet seconds, or 5 minutes at the latest",
                "        quiet: 20s", "        max: 5m",
            ]
        }
        return lines
    }

    private var body: [String] {
        if subject.isGap {
            return [
                "        alert: ${event.change}", "        entity: ${event.entity}",
                "        records: ${header.recordIds}",
                "        at: ${event.time}",
            ]
        }
        var lines = subject.isPlatform ? [] : ["        id: ${recordId}", "        change: ${event.change}"]
        lines.append("        at: ${event.time}")
        if !subject.keys.isEmpty {
            lines.append(
                subject.isPlatform
                    ? "        # The event's fields; null where it leaves one empty."
                    : "        # .? leaves out what the event does not tell, and writes null for what was cleared."
            )
        }
        for (key, field) in subject.keys {
            lines.append("        \(key): ${record.?\(field)} # \(subject.kind(of: field))")
        }
        return lines
    }
}
