import Emulator

/// What points a relay at a running emulator.
struct EmulatedSetup {
    private let emulator: EmulatorHandle

    private let only: Set<EmulatedService>

    init(_ emulator: EmulatorHandle, only: Set<EmulatedService> = Set(EmulatedService.allCases)) {
        self.emulator = emulator
        self.only = only
    }

    /// The variables that `configuration` and `rules` name.
    var environment: [String: String] {
        [
            "SF_CLIENT_ID": EmulatorDefaults.clientID, "SF_CLIENT_SECRET": EmulatorDefaults.clientSecret,
            "FLOWMATE_TOKEN": EmulatorDefaults.flowMateToken, "CELIGO_TOKEN": EmulatorDefaults.integratorToken,
            "CELIGO_LISTENER": emulator.url + EmulatorDefaults.listenerPath,
        ]
    }

    var hints: String { only.contains(.salesforce) ? everything : platforms }

    /// For people who build flows and bring their own events.
    private var platforms: String {
        let names = only.map(\.rawValue).sorted().joined(separator: ", ")
        var lines = ["Emulated \(names) at \(emulator.url)", "What arrived: \(emulator.url)/emulator/received"]
        if only.contains(.flowmate) {
            lines += [
                "Webhook of an active flow: \(emulator.url)/webhooks/\(EmulatorDefaults.flowMateOrderFlow)",
                "Admin token: \(EmulatorDefaults.flowMateToken)",
            ]
        }
        if only.contains(.integrator) {
            lines += [
                "API: \(emulator.url)/v1, token \(EmulatorDefaults.integratorToken)",
                "Listener: \(emulator.url)\(EmulatorDefaults.listenerPath)",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var everything: String {
        """
        Emulated Salesforce, FlowMate and integrator.io at \(emulator.url)
        Emulated Pub/Sub API at 127.0.0.1:\(emulator.grpcPort)
        What arrived: \(emulator.url)/emulator/received
        A custom channel: /data/\(EmulatorDefaults.orderChannel), with the managed subscription \
        \(EmulatorDefaults.managedSubscription)

        sluice.yaml:
        \(configuration)
        environment:
        \(environment.sorted { $0.key < $1.key }.map { "  \($0.key)=\($0.value)" }.joined(separator: "\n"))

        """
    }

    var configuration: String {
        """
        orgs:
          emulator:
            loginUrl: \(emulator.url)
            auth:
              clientCredentials: {clientId: {env: SF_CLIENT_ID}, clientSecret: {env: SF_CLIENT_SECRET}}
            pubsub: {endpoint: "127.0.0.1:\(emulator.grpcPort)", plaintext: true}
            topics:
              - {name: /data/ChangeEvents, start: earliest}
              - {name: /event/Order_Ready__e, start: earliest}
        rules: rules
        store: {path: sluice.db}

        """
    }

    /// One rule for each kind of destination.
    var rules: String {
        """
        sluice: 1
        destinations:
          flowmate:
            kind: flowmate
            baseUrl: \(emulator.url)
            auth: {bearer: {env: FLOWMATE_TOKEN}}
            allowHttp: true
          celigo:
            kind: integrator
            baseUrl: \(emulator.url)
            auth: {bearer: {env: CELIGO_TOKEN}}
            listeners:
              opportunities: {url: {env: CELIGO_LISTENER}, export: \(EmulatorDefaults.integratorListenerExport)}
            allowHttp: true
          erp-hook:
            kind: webhook
            url: \(emulator.url)/hooks/erp
            allowHttp: true
        rules:
          - id: production-order-to-flow
            match:
              entity: sfy24__ProductionOrder__c
              change: [create, update, undelete]
              ignore: {}
            onGap: deliver
            to:
              destination: flowmate
              flow: \(EmulatorDefaults.flowMateOrderFlow)
              conform: off
              data:
                id: ${recordId}
                change: ${event.change}
                status: ${record.?sfy24__Status__c}
                quantity: ${record.?sfy24__Quantity__c}
          - id: production-order-to-erp
            match:
              entity: sfy24__ProductionOrder__c
              change: [create, update, delete, undelete]
              ignore: {}
            onGap: deliver
            to:
              destination: celigo
              flow: \(EmulatorDefaults.integratorFlow)
              coalesce: {quiet: 2s, max: 5s}
          - id: opportunity-to-listener
            match:
              entity: Opportunity
              change: [create, update, delete, undelete]
              ignore: {}
            onGap: deliver
            to:
              destination: celigo
              listener: opportunities
              body:
                id: ${recordId}
                change: ${event.change}
                stage: ${record.?StageName}
                amount: ${record.?Amount}
                at: ${event.time}
          - id: account-to-webhook
            match:
              entity: Account
              change: [create, update, delete, undelete]
            onGap: deliver
            to:
              destination: erp-hook
              body:
                id: ${recordId}
                change: ${event.change}
                name: ${record.?Name}
                phone: ${record.?Phone}
          - id: order-ready-to-webhook
            match:
              event: Order_Ready__e
            to:
              destination: erp-hook
              body:
                order: ${record.?Order_Number__c}
                at: ${event.time}

        """
    }
}
