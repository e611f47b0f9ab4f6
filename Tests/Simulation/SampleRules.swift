import Events
import Relay
import Rules

/// The rule files in force, and independently of them what they want of an event.
struct SampleRules {
    static let flow = "6762e154616e91cb8d8b1aaf"
    static let run = "598f1c2e7d3a4b0012345d9a"

    static let secrets = SecretStore(environment: [
        "SF_ID": "key", "SF_SECRET": "secret", "FLOW_TOKEN": "flow-token", "IO_TOKEN": "io-token",
        "LISTENER_URL": "https://listener.sim/v1/exports/598f1c2e7d3a4b0012345d9b/token/data",
    ])

    /// - Parameters:
    ///   - version: an edit that changes how things are delivered, and not which.
    ///   - key: what the lanes go by.
    static func text(version: Int, key: String = "${recordId}", scope: Scope) -> String {
        """
        sluice: 1
        destinations:
          hook: {kind: webhook, url: "https://hook.sim/in", timeout: 20s, concurrency: \(version % 2 == 0 ? 3 : 5)}
          slow: {kind: webhook, url: "https://slow.sim/in", timeout: 10s, concurrency: \(version % 3 == 0 ? "1" : "auto")}
          flows:
            kind: flowmate
            baseUrl: https://flow.sim
            auth: {bearer: {env: FLOW_TOKEN}}
            timeout: 15s
            flowConcurrency: \(version % 2 == 0 ? 1 : 4)
          celigo:
            kind: integrator
            baseUrl: https://io.sim
            auth: {bearer: {env: IO_TOKEN}}
            listeners: {orders: {url: {env: LISTENER_URL}}}
        \(scope.records ? state.destination : "")\(scope.writes ? writing.destination : "")rules:
          - id: hook
            match: {entity: Sample__c, change: [create, update]}
            onGap: skip
            to: {destination: hook, key: "\(key)", body: {k: "${rule.id} ${event.id} ${recordId}", v: "\(version)", r: "${event.replayed}"}}
          - id: slow
            match: {entity: Sample__c, change: [create, update, delete]}
            onGap: skip
            when: record.?Number__c.orDefault(0.0) < 50.0
            to: {destination: slow, key: "\(key)", retry: {for: 40m}, body: {k: "${rule.id} ${event.id} ${recordId}"}}
          - id: flow
            match: {entity: Sample__c, change: [update]}
            onGap: skip
            to: {destination: flows, flow: \(flow), key: "\(key)", data: {k: "${rule.id} ${event.id} ${recordId}"}}
          - id: listener
            match: {entity: Sample__c, change: [create, delete]}
            onGap: skip
            to: {destination: celigo, listener: orders, key: "\(key)", body: {k: "${rule.id} ${event.id} ${recordId}"}}
          - id: run
            match: {entity: Sample__c, change: [update, delete]}
            onGap: skip
            when: record.?Number__c.orDefault(0.0) >= 30.0
            to:
              destination: celigo
              flow: \(run)
              window: {from: "${batch.firstCommit}", until: "${batch.lastCommit + duration('1s')}"}
              coalesce: {quiet: 20s, max: 2m}
          - id: batch
            match: {entity: Sample__c, change: [create, update, delete]}
            onGap: skip
            to:
              destination: hook
              body: {batch: "${batch.events}"}
              coalesce: {quiet: 5s, max: 30s, limit: 9}
        \(scope.reads ? SimulatedReads.rules(version: version, key: key) : "")\
        \(scope.fansOut ? fanning : "")\(scope.writes ? writing.rule : "")\(scope.records ? state.rule : "")
        """
    }

    /// One event, several deliveries.
    private static let fanning = """
          - id: fan
            match: {entity: Sample__c, change: [update]}
            onGap: skip
            to:
              destination: flows
              fanOut: {user: "${header.commitUser}", where: "'k' in flow.inputParameters"}
              data: {k: "${rule.id}:${flow.name} ${event.id} ${recordId}"}
          - id: twin
            match: {entity: Sample__c, change: [create, delete]}
            onGap: skip
            to:
              - {destination: hook, body: {k: "${rule.id}:a ${event.id} ${recordId}"}}
              - {destination: slow, when: event.change == 'create', body: {k: "${rule.id}:b ${event.id} ${recordId}"}}

        """

    /// A change that comes back does not tell the number, so that nothing but its client keeps it from being written again.
    private static let writing = (
        destination: "  crm: {kind: salesforce, org: prod}\n",
        rule: """
          - id: write
            match: {entity: Sample__c, change: [create, update]}
            onGap: skip
            when: record.?Number__c.orDefault(99.0) >= 60.0
            to:
              destination: crm
              update: Sample__c
              id: "${recordId}"
              fields: {Told__c: "${rule.id} ${event.id} ${recordId}"}

        """
    )

    /// What keeps a receiver's records as those of the org.
    private static let state = (
        destination: "  state: {kind: webhook, url: \"https://state.sim/in\", timeout: 15s}\n",
        rule: """
          - id: state
            match: {entity: State__c, change: [create, update, delete, undelete]}
            to:
              destination: state
              retry: {for: 7d}
              body: {s: "${recordId}", c: "${event.change}", n: "${record.?Number__c}"}

        """
    )

    static func ids(_ scope: Scope) -> [String] {
        ["hook", "slow", "flow", "listener", "run", "batch"] + (scope.fansOut ? ["fan", "twin"] : []) + (scope.reads ? ["read", "mended"] : [])
    }

    static let destinations = ["hook", "slow", "flows", "celigo"]

    static func destination(of rule: String) -> String {
        switch rule {
        case "slow", "twin:b", "mended": "slow"
        case "flow": "flows"
        case _ where rule.hasPrefix("fan:"): "flows"
        case "listener", "run": "celigo"
        default: "hook"
        }
    }

    /// An edit that somebody saved half-way.
    static let broken = text(version: 0, scope: Scope()) + "  - id: hook\n    mtach: {}\n"

    /// Compiled once for all seeds.
    static func report(_ text: String) -> LintReport {
        if let report = reports[text] { return report }
        let report = Lint.check([RuleSource(path: "rules.yaml", bytes: Array(text.utf8))])
        reports[text] = report
        return report
    }

    /// Used on the main thread alone, see `Machine`.
    nonisolated(unsafe) private static var reports: [String: LintReport] = [:]

    /// What a delivery is called in bodies: its rule, and which of several that rule made of the event. All of them where
    /// it was parked before that was known.
    static func names(of delivery: Delivery) -> [String] {
        switch (delivery.rule, delivery.target) {
        case ("fan", .flow(let id, _)): FannedFlows.rule(of: id).map { [$0] } ?? FannedFlows.rules
        case ("fan", _): FannedFlows.rules
        case ("twin", _): [delivery.destination == "hook" ? "twin:a" : "twin:b"]
        default: [delivery.rule]
        }
    }

    /// Rules that want this change, by what the text above says in words.
    static func wanting(_ change: SampleEvents.Change, number: Double?, _ scope: Scope) -> [String] {
        var several: [String] = []
        if scope.writes, change == .create || change == .update, number ?? 99 >= 60 { several.append("write") }
        if scope.reads { several += SimulatedReads.wanting(change) }
        guard scope.fansOut else { return wanting(change, number ?? 0) + several }
        let fanned: [String] =
            switch change {
            case .create: ["twin:a", "twin:b"]
            case .update: FannedFlows.rules
            case .delete: ["twin:a"]
            default: []
            }
        return wanting(change, number ?? 0) + several + fanned
    }

    private static func wanting(_ change: SampleEvents.Change, _ value: Double) -> [String] {
        switch change {
        case .create: return ["hook"] + (value < 50 ? ["slow"] : []) + ["listener", "batch"]
        case .update: return ["hook"] + (value < 50 ? ["slow"] : []) + ["flow"] + (value >= 30 ? ["run"] : []) + ["batch"]
        // A delete tells no values.
        case .delete: return ["slow", "listener", "batch"]
        default: return []
        }
    }
}
