/// Random rules about `Thing` as text, in all forms that the index knows and some that it does not.
struct IndexConditions {
    private var numbers: SeededNumbers

    init(seed: UInt64) { numbers = SeededNumbers(seed: seed) }

    /// A rule of a YAML list.
    mutating func rule(_ id: String) -> String {
        var match: [String] = []
        match.append("entity: " + numbers.pick(["Thing", "Thing", "Thing", "'*'", "[Other, Thing]", "Other"]))
        let kinds = ["create", "update", "delete", "undelete", "gap", "gap_update", "overflow"]
        let chosen = kinds.filter { $0 == "update" ? numbers.chance(0.8) : numbers.chance(0.35) }
        match.append("change: [\(chosen.isEmpty ? "update" : chosen.joined(separator: ", "))]")
        if chosen.contains("update") || chosen.contains("create") || chosen.isEmpty {
            if numbers.chance(0.3) { match.append("changed: " + changed()) }
            if numbers.chance(0.1), chosen.contains("update") {
                match.append("cleared: [\(field()), Address__c.City]")
            }
        }
        if numbers.chance(0.1) { match.append("org: " + numbers.pick(["prod", "[prod, uat]", "uat"])) }
        if numbers.chance(0.15) {
            let topics = ["/data/ChangeEvents", "'/data/Thing*'", "[/data/x, '/data/C*']", "'*'"]
            match.append("topic: " + numbers.pick(topics))
        }
        if numbers.chance(0.1) { match.append("ignore: {users: [005000000000001AAA]}") }
        var lines = ["- id: \(id)", "  match: {\(match.joined(separator: ", "))}"]
        if numbers.chance(0.4) { lines.append("  onGap: " + numbers.pick(["fetch", "deliver", "skip"])) }
        if numbers.chance(0.2) {
            let missing = numbers.pick(["skip", "fetch", "fail"])
            lines.append("  needs: {fields: [\(field()), \(field())], missing: \(missing)}")
        }
        if numbers.chance(0.9) {
            let count = Int.random(in: 1...4, using: &numbers)
            lines.append("  when: |")
            lines.append("    " + (0..<count).map { _ in condition(depth: 2) }.joined(separator: " && "))
        }
        return (lines + ["  to: {destination: hook, body: {}}"]).joined(separator: "\n")
    }

    private mutating func changed() -> String {
        switch numbers.pick([0, 0, 0, 1, 2, 3]) {
        case 0: "[\(field()), \(field())]"
        case 1: "{all: [\(field())]}"
        case 2: "{any: [Address__c, \(field())], none: [\(field())]}"
        default: "{only: [\(field()), \(field()), \(field())]}"
        }
    }

    private mutating func field() -> String {
        numbers.pick(IndexEvents.names + ["Address__c.City", "Address__c.Zip", "Missing__c"])
    }

    private mutating func condition(depth: Int) -> String {
        switch Int.random(in: 0..<10, using: &numbers) {
        case 0 where depth > 0:
            let count = Int.random(in: 2...3, using: &numbers)
            return "(" + (0..<count).map { _ in condition(depth: depth - 1) }.joined(separator: " || ") + ")"
        case 1 where depth > 0: return "(\(condition(depth: depth - 1)) && \(condition(depth: depth - 1)))"
        case 2: return other(depth)
        default: return numbers.chance(0.5) ? textClause() : numberClause()
        }
    }

    private mutating func text() -> String {
        let others = ["record.Other__c", "record.Address__c.City", "record.Day__c"]
        return numbers.chance(0.5) ? "record.Text__c" : numbers.pick(others)
    }

    private mutating func optional() -> String {
        numbers.pick(["record.?Text__c", "record.?Other__c", "record.?Address__c.?City", "record.?Address__c.Zip"])
    }

    private mutating func literal() -> String { "'\(numbers.pick(IndexEvents.texts))'" }

    private static let patterns = ["^ab", "^ab?c", "^Closed W", "b", "^a|b", "^(?i)AB", "^abc*", "^a.c"]

    private mutating func textClause() -> String {
        switch Int.random(in: 0..<16, using: &numbers) {
        case 0: "\(text()) == \(literal())"
        case 1: "\(literal()) == \(text())"
        case 2: "\(text()) in [\(literal()), \(literal()), \(literal())]"
        case 3: "\(text()) == null"
        case 4: "\(optional()).orDefault(\(literal())) == \(literal())"
        case 5: "\(optional()).orValue(\(literal())) in [\(literal()), null]"
        case 6: "changed('\(field())', '\(field())')"
        case 7: "cleared('\(field())')"
        case 8: "changedTo('\(field())', \(numbers.pick([literal(), "null", "2", "2.5", "true"])))"
        case 9: "\(text()).startsWith(\(literal()))"
        case 10: "\(text()).matches('\(numbers.pick(Self.patterns))')"
        case 11: "known('\(field())')"
        case 12: numbers.pick(["has(record.Text__c)", "has(record.Flag__c)", "has(record.Address__c.City)"])
        case 13: numbers.pick(["record.Flag__c", "record.Flag__c == true", "record.Flag__c in [true, 'x']"])
        case 14: "\(optional()).orDefault('b').startsWith(\(literal()))"
        default:
            numbers.pick([
                "header.commitUser == '005000000000001AAA'", "org.alias in ['prod', 'uat']",
                "event.topic == '/data/ChangeEvents'", "org.alias == vars.alias", "record.Text__c in vars.words",
            ])
        }
    }

    private mutating func numberClause() -> String {
        let field = numbers.pick(["record.Double__c", "record.Long__c", "record.?Double__c.orDefault(2)"])
        let bound = numbers.pick(
            ["-1", "0", "1", "2.0", "2u", "2.5", "3", "9007199254740992", "9007199254740993", "9007199254740992.0",
                "vars.limit", "-2.5"])
        let order = numbers.pick(["<", "<=", ">", ">="])
        return switch Int.random(in: 0..<6, using: &numbers) {
        case 0: "\(field) == \(bound)"
        case 1: "\(field) in [\(bound), 1, 2.0]"
        case 2: "\(bound) \(order) \(field)"
        case 3: "(\(field) >= 0 && \(field) \(order) \(bound))"
        default: "\(field) \(order) \(bound)"
        }
    }

    private mutating func other(_ depth: Int) -> String {
        let inner = depth > 0 ? condition(depth: depth - 1) : "record.Text__c == 'a'"
        return switch Int.random(in: 0..<5, using: &numbers) {
        case 0: "!(\(inner))"
        case 1: "(has(record.Flag__c) ? \(inner) : true)"
        case 2: "record.Text__c != \(literal())"
        case 3: "['a', 'ab'].exists(x, x == record.Text__c)"
        default: "size(record.Other__c) > 1"
        }
    }
}
