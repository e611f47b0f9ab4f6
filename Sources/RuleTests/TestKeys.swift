import Documents

/// The keys of a file of rule tests: the single declaration that reading, messages and a JSON Schema share.
package enum TestKeys {
    package static let file = KeyTable(
        "a file of rule tests",
        [
            Key("sluice", .integer(1...1), required: true, "Version of the format."),
            Key("suite", .text, "Name of these tests; default is that of the file."),
            Key("rules", .oneOrMore(.text), "Rule files whose rules take part; default is the whole set."),
            Key("given", .table(given), default: "{}", "What all tests of the file start from."),
            Key("tests", .list(.table(test), mayBeEmpty: false), required: true, "The tests."),
        ])

    static let given = KeyTable(
        "given",
        [
            Key("now", .text, "The clock when a test starts: 2026-11-22T03:01:00Z; default is the event's time."),
            Key("org", .table(org), "The org that events come from."),
            Key(
                "schema", .oneOrMore(.text),
                "Files with Avro schemas of events: types, and nulls for what a create does not list."),
            records,
            flows,
            Key(
                "secrets", .map(.any, .text), default: "{}",
                "Test secrets, by variable or file; the others are made up."),
        ])

    static let org = KeyTable(
        "org",
        [
            Key("id", .text, default: "00D000000000001EAA", "18 characters."),
            Key("alias", .text, default: "test", "As rules name it."),
            Key("sandbox", .bool, default: "false", "Whether it is a sandbox."),
        ])

    static let flow = KeyTable(
        "a flow",
        [
            Key("id", .hexID, required: true, "24 hex digits."),
            Key("name", .text, "Its name."),
            Key("active", .bool, default: "true", "Whether it is active."),
            Key("inputParameters", .map(.any, .text), "Names and types of what it takes; left out: not known."),
        ])

    static let test = KeyTable(
        "a test",
        [
            Key("name", .text, required: true, "One sentence."),
            Key("now", .text, "In place of the file's."),
            Key("event", .table(event), "The one event."),
            Key("events", .list(.table(timedEvent), mayBeEmpty: false), "A sequence on a clock of its own."),
            records,
            flows,
            Key("answers", .map(.name, answers), default: "{}", "What destinations answer, by name; default is a yes."),
            Key("expect", .table(expect), required: true, "What must come of it."),
        ])

    static let event = KeyTable("an event", eventKeys)

    static let timedEvent = KeyTable(
        "an event",
        [Key("at", .text, default: "0s", "How long after the start it comes, such as 30s.")] + eventKeys)

    private static let eventKeys = [
        Key("fixture", .text, "A JSON file with a recorded event, instead of the rest."),
        Key("entity", .apiName, "The object of a change event."),
        Key("event", .apiName, "The API name of a platform event."),
        Key("change", .word(changes), "Kind of change; required with entity."),
        Key("ids", .oneOrMore(.text), "Record ids; several are one merged event."),
        Key("time", .text, "Commit or publish time; default is the clock when it comes."),
        Key("topic", .text, "Default: that of the object or event."),
        Key("user", .text, "Id of the user who made the change."),
        Key("origin", .text, "Change origin, such as com/salesforce/api/soap/62.0;client=CeligoIO."),
        Key("transaction", .text, "Transaction key; default is one of its own."),
        Key("changed", .tree, "Of an update: the fields it changed, null for those it cleared."),
        Key("record", .tree, "The record's fields; of an update: enriched fields, which it did not change."),
    ]

    static let changes = [
        "create", "update", "delete", "undelete", "gap_create", "gap_update", "gap_delete", "gap_undelete", "overflow",
    ]

    private static let records = Key("records", .tree, "Records that a fetch reads, by id; null for one that is gone.")
    private static let flows = Key(
        "flows", .map(.any, .list(.table(flow), mayBeEmpty: true)),
        "Flows that FlowMate lists, by user; what goes to them is held against what they take, as 'conform' says.")

    static let answers = ValueType.shapes([.list(answer, mayBeEmpty: false), answer])
    private static let answer = ValueType.shapes([.table(answerTable), .text])

    static let answerTable = KeyTable(
        "an answer",
        [
            Key("status", .integer(100...599), required: true, "HTTP status."),
            Key("headers", .map(.headerName, .text), default: "{}", "Such as Retry-After."),
            Key("body", .text, "Text of the answer."),
        ])
}

// MARK: Expectations

extension TestKeys {
    static let expect = KeyTable(
        "expect",
        [
            Key("matched", .list(.name, mayBeEmpty: true), "Exactly the rules that match, in any order."),
            Key("outcomes", .map(.name, .word(outcomes)), "What became of single rules."),
            Key("deliveries", .list(.table(delivery), mayBeEmpty: true), "All requests, in order."),
            Key("shadows", .list(.table(delivery), mayBeEmpty: true), "What rules in shadow mode would have sent."),
            Key("failures", .list(.table(failure), mayBeEmpty: true), "Requests that could not be built."),
        ])

    static let outcomes = ["matched", "false", "unknown", "fault", "needs_missing", "gap_skipped"]

    static let delivery = KeyTable(
        "a delivery",
        [
            Key("rule", .name, "Id of the rule."),
            Key("destination", .name, "Name of the destination."),
            Key("at", .text, "When it was first attempted: 25s (after the start), or 2026-11-22T03:00:30Z."),
            Key("id", .text, "The delivery id."),
            Key("method", .word(["GET", "POST", "PUT", "PATCH", "DELETE"]), "HTTP method."),
            Key("url", .text, "The whole URL."),
            Key("headers", .map(.headerName, .text), "Only these are compared."),
            Key("body", .tree, "The whole body."),
            Key("bodyContains", .tree, "A part of the body."),
            Key("bodyText", .text, "The body, byte for byte."),
            Key("window", .table(window), "Of a run: the least window that its events ask for."),
            Key("state", .word(states), "What became of it."),
            Key("attempts", .integer(0...100_000), "How many requests were made."),
        ])

    static let states = ["delivered", "dead", "dropped", "paused", "pending"]

    static let window = KeyTable(
        "window",
        [
            Key("from", .text, required: true, "Start, a time."),
            Key("until", .text, required: true, "End, a time."),
        ])

    static let failure = KeyTable(
        "a failure",
        [
            Key("rule", .name, "Id of the rule."),
            Key("destination", .name, "Name of the destination."),
            Key("reason", .text, "A part of the reason."),
        ])
}
