import Events

/// The flows, exports and connections of the emulated integrator.io account.
enum IntegratorCatalogue {
    static func isEnabled(_ flowID: String) -> Bool { flowID != EmulatorDefaults.integratorDisabledFlow }

    /// A flow that waits for a listener has nothing to run.
    static func canRun(_ flowID: String) -> Bool { flowID != EmulatorDefaults.integratorListenerFlow }

    static func flow(_ id: String) -> Value? {
        let name: String
        switch id {
        case EmulatorDefaults.integratorFlow: name = "Salesforce accounts to ERP"
        case EmulatorDefaults.integratorListenerFlow: name = "Production orders by listener"
        case EmulatorDefaults.integratorDisabledFlow: name = "Switched off"
        default: return nil
        }
        let export = canRun(id) ? EmulatorDefaults.integratorExport : EmulatorDefaults.integratorListenerExport
        return .record([
            "_id": .string(id), "name": .string(name), "disabled": .bool(!isEnabled(id)),
            "_integrationId": .string(EmulatorDefaults.integratorIntegration), "timezone": .string("Europe/Berlin"),
            "pageGenerators": .list([.record(["_exportId": .string(export), "skipRetries": .bool(false)])]),
            "pageProcessors": .list([]), "createdAt": .string("2026-01-15T08:00:00.000Z"),
            "lastModified": .string("2026-10-01T12:30:00.000Z"),
        ])
    }

    static func export(_ id: String) -> Value? {
        switch id {
        case EmulatorDefaults.integratorExport:
            .record([
                "_id": .string(id), "name": .string("Changed accounts"), "type": .string("delta"),
                "adaptorType": .string("SalesforceExport"),
                "_connectionId": .string(EmulatorDefaults.integratorConnection),
                "delta": .record(["dateField": .string("LastModifiedDate")]),
            ])
        case EmulatorDefaults.integratorListenerExport:
            .record([
                "_id": .string(id), "name": .string("Production order listener"), "type": .string("webhook"),
                "adaptorType": .string("WebhookExport"),
                "webhook": .record([
                    "provider": .string("custom"), "verify": .string("secret_url"), "token": .string("******"),
                    "successStatusCode": .int(204),
                ]),
            ])
        default: nil
        }
    }

    static func connection(_ id: String) -> Value? {
        guard id == EmulatorDefaults.integratorConnection else { return nil }
        return .record([
            "_id": .string(id), "name": .string("Salesforce"), "type": .string("salesforce"), "offline": .bool(false),
        ])
    }
}
