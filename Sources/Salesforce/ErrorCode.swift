/// The reactions to the `error-code` trailer of the Pub/Sub API, then to the gRPC status.
///
/// The code decides first: Salesforce does not publish which gRPC status comes with it.
package enum ErrorCode {
    static let prefix = "sfdc.platform.eventbus.grpc."

    /// Salesforce advises at least this after `service.unavailable`.
    static let serviceWait: Duration = .seconds(5)
    /// For limits that only time or other clients' going away can lift.
    static let limitWait: Duration = .seconds(60)
    /// Between looks whether the other client of a managed subscription is gone.
    static let standByWait: Duration = .seconds(10)
    /// The 24-hour delivery allocation: it frees slowly.
    static let allocationWait: Duration = .seconds(600)
    /// Between tries with a managed subscription that is not known (yet), and how many there are.
    static let deploymentWait: Duration = .seconds(120)
    static let deploymentTries = 5

    static let standBy = "managed.subscription.already.active"
    /// They are tried again, and do not pass by themselves.
    static let forPersons: Set = ["managed.subscription.config.stopped", "concurrent.client.limit.exceeded"]

    /// - Parameter code: the trailer, with or without the prefix.
    /// - Returns: nil for a code that is not known.
    package static func reaction(to code: String) -> StreamFailure.Reaction? {
        let short = shortened(code)
        return table.first { short == $0.code || short.hasSuffix("." + $0.code) }?.reaction
    }

    /// What an error is, where its code alone would be misread.
    static func meaning(of code: String) -> String? {
        switch shortened(code) {
        case standBy:
            "stand-by: another client has this managed subscription open (already.active). That is its lock: this one takes "
                + "over when the other ends"
        case "managed.subscription.config.stopped":
            "the managed subscription's state is STOP: set it to RUN in its metadata (ManagedEventSubscription)"
        default: nil
        }
    }

    package static func shortened(_ code: String) -> String {
        code.hasPrefix(prefix) ? String(code.dropFirst(prefix.count)) : code
    }

    private static let bug = StreamFailure.Reaction.stopTopic(
        fix: "This is a fault of Sluice: report it with the log, and restart to go on from the cursor.")

    private static let unknownSubscription = StreamFailure.Reaction.stopUnlessDeployed(
        fix: "Check `managed` of the topic: the DeveloperName or the ID (18x…) of a ManagedEventSubscription. "
            + "`sluice doctor` looks it up; a new one takes a moment to become known.")

    private static let table: [(code: String, reaction: StreamFailure.Reaction)] = [
        ("service.unavailable", .reconnect(minimum: serviceWait)),
        ("service.auth.error", .renewSession),
        (
            "service.auth.headers.invalid",
            .stopTopic(fix: "Check the org's instanceUrl and tenantId in sluice.yaml; `sluice doctor` compares them.")
        ),
        ("service.auth.refresh.invalid", bug),
        ("service.protection.stream.limit.triggered", .reconnect(minimum: serviceWait)),
        ("service.protection.triggered", .reconnect(minimum: limitWait)),
        (
            "service.tenant.license",
            .stopTopic(fix: "The org's edition or licence does not include the Pub/Sub API: ask Salesforce.")
        ),
        ("concurrent.client.limit.exceeded", .reconnect(minimum: limitWait)),
        (
            "topic.not.found",
            .stopTopic(
                fix: "Check the spelling (it is case-sensitive), and select the object in Setup > Change Data Capture.")
        ),
        (
            "topic.meta.permission",
            .stopTopic(fix: "Give the Run As user read access to the event or object of this topic.")
        ),
        ("topic.api.unavailable", .reconnect(minimum: serviceWait)),
        ("topic.validation.empty", bug),
        (
            "schema.meta.permission",
            .stopTopic(fix: "Give the Run As user read access to the event or object of this topic.")
        ),
        ("schema.api.unavailable", .reconnect(minimum: serviceWait)),
        ("schema.validation.failed", bug),
        ("subscription.fetch.replayid.corrupted", .replayInvalid),
        ("subscription.fetch.replayid.validation.failed", .replayInvalid),
        ("subscription.fetch.replay.repeated", .reconnect(minimum: .zero)),
        ("subscription.limit.exceeded", .awaitAllocation),
        ("subscription.fetch.overflow", .narrow),
        ("subscription.fetch.requested.events.invalid", bug),
        ("subscription.fetch.topic.mismatch", bug),
        ("subscription.fetch.request.invalid", bug),
        (
            "subscription.topic.cannot.subscribe",
            .stopTopic(
                fix: "Give the Run As user 'View All Records' on the object (change events) or Read on the event "
                    + "(platform events), by a permission set.")
        ),
        ("subscription.internal.error", .reconnect(minimum: .seconds(1))),
        ("publish.stream.sweeper.timeout", .reconnect(minimum: .zero)),
        ("publish.auth.refresh.invalid", bug),
        ("publish.event.count.invalid", bug),
        ("publish.topic.mismatch", bug),
        ("publish.topic.validation.empty", bug),
        (standBy, .reconnect(minimum: standByWait)),
        ("managed.subscription.config.stopped", .reconnect(minimum: limitWait)),
        (
            "managed.subscription.config.deleted",
            .stopTopic(fix: "The ManagedEventSubscription was deleted: deploy it again, or take `managed` out of the topic.")
        ),
        ("managed.subscription.developer.name.not.found", unknownSubscription),
        ("managed.subscription.subscription.id.not.found", unknownSubscription),
        (
            "managed.subscription.subscription.id.invalid",
            .stopTopic(fix: "Check `managed` of the topic: an ID has 15 or 18 characters and begins with 18x.")
        ),
        ("managed.subscription.id.or.developer.name.empty", bug),
        ("managed.subscription.fetch.request.events.invalid", bug),
        ("managed.subscription.fetch.request.invalid", bug),
        ("managed.subscription.fetch.request.commit.request.restricted", bug),
        ("managed.subscription.fetch.request.auth.request.restricted", bug),
    ]
}
