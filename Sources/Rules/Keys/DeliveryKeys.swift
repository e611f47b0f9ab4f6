import Documents

/// The keys of a delivery and of what it holds.
enum DeliveryKeys {
    static let delivery = KeyTable(
        "a delivery",
        [
            Key("destination", .name, required: true, "Name of a destination."),
            Key(
                "when", .expression, default: "true", support: .none(hint: RuleKeys.expressionHint),
                "Extra condition of this delivery."),
            Key("key", .template, default: "${recordId}", "Deliveries with the same key go one after another."),
            Key("coalesce", .table(coalesce), "Gathers events and delivers once for all of them."),
            retryKey,
            onError,
            Key("flow", .flowID, kinds: [.flowmate, .integrator], "The flow to call or to run."),
            Key("listener", .name, kinds: [.integrator], "Posts the body to this listener."),
            Key(
                "fanOut", .tree, kinds: [.flowmate], support: .none(hint: "write one delivery per flow"),
                "One delivery per flow of a user."),
            Key("data", .tree, kinds: [.flowmate, .webhook], "Posted as {\"data\": ...}."),
            Key(
                "conform", .shapes([.word(["strict", "warn", "off"]), .tree]), kinds: [.flowmate],
                "Compares data with the flow's input parameters."),
            Key("window", .table(window), kinds: [.integrator], "The least date window of the run."),
            Key("exports", .list(.hexID, mayBeEmpty: false), kinds: [.integrator], "Runs only these exports."),
            Key(
                "method", .word(["POST", "PUT", "PATCH", "DELETE"]), default: "POST", kinds: [.webhook],
                "HTTP method."),
            Key("path", .template, kinds: [.webhook], "Appended to the URL."),
            Key("headers", .map(.headerName, .template), default: "{}", kinds: [.webhook], "Extra headers."),
            Key(
                "format", .word(["json", "cloudevents", "cloudevents-binary"]), default: "json", kinds: [.webhook],
                "Form of the request."),
            Key("body", .tree, kinds: [.webhook, .integrator], "The request body."),
            Key(
                "cloudevent", .tree, kinds: [.webhook],
                support: .none(hint: "write the whole body under 'body'"), "Attributes of the CloudEvent."),
        ])

    static let coalesce = KeyTable(
        "coalesce",
        [
            Key("mode", .word(["batch", "latest"]), default: "batch", "batch: one run for all."),
            Key("key", .template, default: "${rule.id}", "Events with the same key are gathered together."),
            Key("quiet", .duration, default: "10s", "Run when nothing was added for this long,"),
            Key("max", .duration, default: "2m", "but not later than this after the first event,"),
            Key("limit", .integer(1...10_000), default: "1000", "or when this many events are held."),
            Key("transaction", .bool, default: "false", "Or when the Salesforce transaction is complete."),
            Key("keep", .word(["ids", "records"]), default: "ids", "Whether batch.events carries records."),
        ])

    static let window = KeyTable(
        "window",
        [
            Key("from", .template, required: true, "Start, a time."),
            Key("until", .template, required: true, "End, a time."),
        ])

    static let retry = KeyTable(
        "retry",
        [
            Key("for", .duration, default: "24h", "Since the first attempt."),
            Key("max", .integer(1...10_000), "So many attempts at most."),
        ])

    static let retryKey = Key("retry", .table(retry), default: "{for: 24h}", "How long a failed attempt is repeated.")
    static let onError = Key(
        "onError", .word(["deadletter", "drop", "pause"]), default: "deadletter",
        "After the last retry, or when a body cannot be built.")
}
