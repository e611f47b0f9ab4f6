import Documents

/// The keys of a rule file, from the top down to a rule and its `match`.
package enum RuleKeys {
    package static let file = KeyTable(
        "a rule file",
        [
            Key("sluice", .integer(1...1), required: true, "Version of the format."),
            Key("vars", .map(.variable, .constant), default: "{}", "Constants of this file, seen as vars.name."),
            Key("defaults", .table(defaults), default: "{}", "Defaults for the rules of this file."),
            Key(
                "destinations", .map(.name, .table(DestinationKeys.destination)), default: "{}",
                "Receivers, shared by all files of the folder."),
            Key("rules", .list(.table(rule), mayBeEmpty: true), default: "[]", "The rules."),
        ])

    static let defaults = KeyTable("defaults", [mode, onGap, labels, bodies, DeliveryKeys.retryKey, DeliveryKeys.onError])

    static let rule = KeyTable(
        "a rule",
        [
            Key("id", .name, required: true, "Unique over all files; part of every delivery id."),
            Key("description", .text, "For people."),
            mode,
            labels,
            bodies,
            Key("match", .table(match), required: true, "Which events the rule is about."),
            Key("let", .map(.variable, .expression), default: "{}", "Named sub-expressions, seen as let.name."),
            Key("needs", .table(needs), "Fields that the rule cannot do without."),
            Key("when", .expression, default: "true", "Condition on the event."),
            onGap,
            Key("to", .oneOrMore(.table(DeliveryKeys.delivery)), required: true, "What is delivered, and where."),
        ])

    static let match = KeyTable(
        "match",
        [
            Key("entity", .oneOrMore(.entity), "Change events of these objects; \"*\" is every object."),
            Key("event", .oneOrMore(.apiName), "Platform events."),
            Key("change", .oneOrMore(.word(changes)), "Kinds of change; required with entity."),
            Key(
                "changed", .shapes([.list(.apiName, mayBeEmpty: true), .table(changed), .apiName]),
                "Fields of which any has changed, or any, all, none, only."),
            Key("cleared", .oneOrMore(.apiName), "Fields of which this event set any to null."),
            Key("org", .oneOrMore(.text), "Aliases of orgs."),
            Key("topic", .oneOrMore(.text), "Topics, or prefixes that end in *."),
            Key("ignore", .table(ignore), "Echo suppression: changes made by these are not matched."),
        ])

    static let changed = KeyTable(
        "changed",
        [
            Key("any", fields, "At least one of these has changed."),
            Key("all", fields, "Each of these has changed."),
            Key("none", fields, "None of these has changed."),
            Key("only", fields, "Nothing else has changed, apart from the audit fields."),
        ])

    static let ignore = KeyTable(
        "ignore",
        [
            Key("clients", .oneOrMore(.text), "API clients, as the change origin names them."),
            Key("users", .oneOrMore(.text), "18-character ids of users."),
        ])

    static let needs = KeyTable(
        "needs",
        [
            Key("fields", .oneOrMore(.apiName), required: true, "Fields that must be known."),
            Key("missing", .word(["skip", "fetch", "fail"]), default: "skip", "What happens when one is not."),
        ])

    static let changes = [
        "create", "update", "delete", "undelete", "gap", "gap_create", "gap_update", "gap_delete", "gap_undelete",
        "overflow",
    ]

    /// May be empty, which lint then explains.
    private static let fields = ValueType.shapes([.list(.apiName, mayBeEmpty: true), .apiName])
    private static let mode = Key(
        "mode", .word(["live", "shadow", "off"]), default: "live", "shadow: matched and rendered, but not sent.")
    private static let labels = Key(
        "labels", .map(.any, .text), default: "{}",
        "Shown in metrics (sluice_rule_info), log lines and event show, as label_NAME. For expressions: "
            + "rule.labels.NAME.")
    private static let bodies = Key(
        "bodies", .word(["full", "redacted", "none"]), default: "full",
        "How much of this rule's requests the commands show at most: all, their keys, or nothing.")
    private static let onGap = Key(
        "onGap", .word(["fetch", "skip", "deliver"]), default: "fetch", "What a gap event does to this rule.")
}
