import Events

/// A SOQL query of one object, as far as tools ask: fields, conditions, an order, a limit.
struct SOQLQuery: Sendable {
    indirect enum Condition: Sendable {
        case all([Condition])
        case any([Condition])
        case not(Condition)
        /// `=`, `!=`, `<`, `<=`, `>`, `>=`, `LIKE`, `IN`; several values for `IN` only.
        case compare(field: String, operation: String, values: [Value])
        /// `AccountId IN (SELECT Id FROM Account)`
        case isAmong(field: String, SOQLQuery)
    }

    /// What is wrong with it, in Salesforce's words.
    struct Problem: Error {
        var code = "MALFORMED_QUERY"
        var message: String
    }

    /// As they were written; `count()` and `count(Id)` count.
    var fields: [String] = []
    var entity = ""
    var condition: Condition?
    var order: (field: String, isDescending: Bool)?
    var limit: Int?

    var counts: Bool { fields.count == 1 && fields[0].lowercased().hasPrefix("count(") }

    init(_ text: String) throws(Problem) {
        var parser = SOQLParser(text)
        self = try parser.whole()
    }

    init() {}
}

extension SOQLQuery.Condition {
    /// With what inner queries find in their place.
    func resolved(
        _ find: (SOQLQuery) throws(SOQLQuery.Problem) -> [Value]
    ) throws(SOQLQuery.Problem) -> SOQLQuery.Condition {
        switch self {
        case .compare: return self
        case .not(let condition): return .not(try condition.resolved(find))
        case .isAmong(let field, let query): return .compare(field: field, operation: "IN", values: try find(query))
        case .all(let conditions):
            var terms: [SOQLQuery.Condition] = []
            for condition in conditions { terms.append(try condition.resolved(find)) }
            return .all(terms)
        case .any(let conditions):
            var terms: [SOQLQuery.Condition] = []
            for condition in conditions { terms.append(try condition.resolved(find)) }
            return .any(terms)
        }
    }

    /// - Parameter field: nil is an unknown one.
    func holds(_ record: RecordTable.Record, _ field: (String) -> RESTField?) throws(SOQLQuery.Problem) -> Bool {
        switch self {
        case .all(let conditions):
            for condition in conditions where try !condition.holds(record, field) { return false }
            return true
        case .any(let conditions):
            for condition in conditions where try condition.holds(record, field) { return true }
            return false
        case .not(let condition): return try !condition.holds(record, field)
        case .compare(let name, let operation, let values):
            guard let field = field(name) else { throw .unknown(name) }
            let value = field.value(of: record)
            let wanted = values.map { field.read($0) ?? $0 }
            return Self.compare(value, operation, wanted)
        case .isAmong: preconditionFailure("inner queries are answered first")
        }
    }

    private static func compare(_ value: Value, _ operation: String, _ wanted: [Value]) -> Bool {
        guard let first = wanted.first else { return false }
        switch operation {
        case "=": return equal(value, first)
        case "!=": return !equal(value, first)
        case "IN": return wanted.contains { equal(value, $0) }
        case "LIKE":
            guard case (.string(let text), .string(let pattern)) = (value, first) else { return false }
            return like(Array(text.lowercased())[...], Array(pattern.lowercased())[...])
        default:
            guard let order = order(value, first) else { return false }
            switch operation {
            case "<": return order < 0
            case "<=": return order <= 0
            case ">": return order > 0
            default: return order >= 0
            }
        }
    }

    /// Salesforce compares text without regard to case.
    private static func equal(_ one: Value, _ other: Value) -> Bool {
        if case (.string(let one), .string(let other)) = (one, other) { return one.lowercased() == other.lowercased() }
        return order(one, other) == 0 || one == other
    }

    static func order(_ one: Value, _ other: Value) -> Int? {
        switch (one, other) {
        case (.string(let one), .string(let other)): one == other ? 0 : one < other ? -1 : 1
        case (.int(let one), .int(let other)): one == other ? 0 : one < other ? -1 : 1
        case (.int(let one), .double(let other)): order(.double(Double(one)), .double(other))
        case (.double(let one), .int(let other)): order(.double(one), .double(Double(other)))
        case (.double(let one), .double(let other)): one == other ? 0 : one < other ? -1 : 1
        default: nil
        }
    }

    /// `%` stands for any text, `_` for one character.
    private static func like(_ text: ArraySlice<Character>, _ pattern: ArraySlice<Character>) -> Bool {
        guard let next = pattern.first else { return text.isEmpty }
        if next == "%" {
            return (text.startIndex...text.endIndex).contains { like(text[$0...], pattern.dropFirst()) }
        }
        guard let character = text.first, next == "_" || next == character else { return false }
        return like(text.dropFirst(), pattern.dropFirst())
    }
}

extension SOQLQuery.Problem {
    static func unknown(_ field: String) -> SOQLQuery.Problem {
        SOQLQuery.Problem(
            code: "INVALID_FIELD",
            message:
                "No such column '\(field)'. If you are attempting to use a custom field, be sure to append the '__c' "
                + "after the custom field name.")
    }
}
