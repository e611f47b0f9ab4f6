import Documents

/// The keys of a delivery and of what it holds.
enum DeliveryKeys {
    static let delivery = KeyTable(
        "a delivery",
        [
            Key("destination", .name, required: true, "Name of a destination."),
            Key("when", .expression, default: "true", "Extra condition of this delivery."),
            Key("key", .template, default: "${recordId}", "Deliveries with the same key go one after another."),
            Key("coalesce", .table(coalesce), "Gathers events and delivers once for all of them."),
            retryKey,
            onError,
            Key("flow", .flowID, kinds: [.flowmate, .integrator], "The flow to call or to run."),
            Key("listener", .name, kinds: [.integrator], "Posts the body to this listener."),
            Key("fanOut", .table(fanOut), kinds: [.flowmate], "One delivery per flow of a user."),
            Key("data", .tree, kinds: [.flowmate, .webhook], "Posted as {\"data\": ...}."),
            Key(
                "conform", .shapes([conformWord, .table(conform)]), default: "strict", kinds: [.flowmate],
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
            Key("create", .text, kinds: [.salesforce], "Creates a record of this object."),
            Key("update", .text, kinds: [.salesforce], "Updates the record of this object that 'id' names."),
            Key("upsert", .text, kinds: [.salesforce], "Updates or creates the record that 'externalId' names."),
            Key("publish", .text, kinds: [.salesforce], "Publishes this platform event."),
            Key("id", .template, kinds: [.salesforce], "ID of the record to update."),
            Key("externalId", .table(externalID), kinds: [.salesforce], "By which field a record is found."),
            Key("fields", .tree, kinds: [.salesforce], "Values by the API names of fields."),
            Key("cloudevent", .table(cloudEvent), kinds: [.webhook], "Attributes of the CloudEvent."),
        ])

    static let fanOut = KeyTable(
        "fanOut",
        [
            Key("user", .template, required: true, "The user id that your system gave to FlowMate."),
            Key("flows", .word(["active", "all"]), default: "active", "Which of the user's flows."),
            Key("where", .expression, default: "true", "Condition on 'flow'."),
            Key("limit", .integer(1...1000), default: "100", "More flows than this are an error."),
        ])

    static let conform = KeyTable(
        "conform",
        [
            Key("mode", conformWord, default: "strict", "What a difference does."),
            Key("extraKeys", .word(["drop", "pass"]), default: "drop", "Keys that the flow does not list."),
            Key("nullable", .list(.text, mayBeEmpty: true), default: "[]", "Keys that may be null."),
            Key("optional", .list(.text, mayBeEmpty: true), default: "[]", "Keys that may be missing."),
        ])

    static let cloudEvent = KeyTable(
        "cloudevent",
        [
            Key("type", .template, "Default: salesforce.change.<entity>.<change> or salesforce.event.<name>."),
            Key("source", .template, "Default: /salesforce/<org id>/<topic>."),
            Key("subject", .template, default: "${recordId}", "What it is about."),
            Key("extensions", .map(.any, .template), default: "{}", "Further attributes: a-z and 0-9, at most 20."),
        ])

    static let externalID = KeyTable(
        "externalId",
        [
            Key("field", .apiName, required: true, "API name of an external ID field."),
            Key("value", .template, required: true, "Its value."),
        ])

    private static let conformWord = ValueType.word(["strict", "warn", "off"])

    static let coalesce = KeyTable(
        "coalesce",
        [
            Key("mode", .word(["batch", "latest"]), default: "batch", "batch: one for all; latest: one per record, newest values."),
            Key("key", .template, "Events with the same key are gathered together. Default: ${rule.id}; latest: ${recordId}."),
            Key("quiet", .duration, default: "10s", "Deliver when nothing was added for this long,"),
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
