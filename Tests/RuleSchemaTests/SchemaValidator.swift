import Events

/// As much of JSON Schema draft-07 as the generated schemas use. A keyword that it does not know is a problem of its
/// own, so that nothing is passed over.
final class SchemaValidator {
    struct Problem: Equatable {
        /// Of the value, or of the key that is refused.
        var path: [String]
        var keyword: String
        /// A key that may not be there at all.
        var refusesKey = false
    }

    private let definitions: Fields
    private var patterns: [String: Regex<AnyRegexOutput>] = [:]
    private let root: Value

    init(_ schema: Value) {
        root = schema
        if case .record(let fields) = schema, case .record(let definitions)? = fields["definitions"] {
            self.definitions = definitions
        } else {
            definitions = Fields()
        }
    }

    func problems(in value: Value) -> [Problem] { problems(value, root, []) }

    private func problems(_ value: Value, _ schema: Value, _ path: [String]) -> [Problem] {
        switch schema {
        case .bool(true): return []
        case .bool(false): return [Problem(path: path, keyword: "false", refusesKey: true)]
        case .record(let schema):
            return schema.fields.flatMap { problems(value, $0.name, $0.value, schema, path) }
        default: return [Problem(path: path, keyword: "not a schema")]
        }
    }

    private func problems(
        _ value: Value, _ keyword: String, _ expected: Value, _ schema: Fields, _ path: [String]
    ) -> [Problem] {
        func problem(unless isFine: Bool) -> [Problem] { isFine ? [] : [Problem(path: path, keyword: keyword)] }
        switch (keyword, expected) {
        case ("$schema", _), ("$id", _), ("title", _), ("description", _), ("default", _), ("definitions", _),
            ("format", _),
            ("then", _), ("else", _):
            return []
        case ("$ref", .string(let reference)):
            let name = String(reference.dropFirst("#/definitions/".count))
            guard let target = definitions[name] else { return [Problem(path: path, keyword: reference)] }
            return problems(value, target, path)
        case ("allOf", .list(let parts)): return parts.flatMap { problems(value, $0, path) }
        case ("anyOf", .list(let parts)):
            return best(parts.map { problems(value, $0, path) }, path, keyword, isOne: false)
        case ("oneOf", .list(let parts)):
            return best(parts.map { problems(value, $0, path) }, path, keyword, isOne: true)
        case ("if", _):
            guard let next = schema[problems(value, expected, path).isEmpty ? "then" : "else"] else { return [] }
            return problems(value, next, path)
        case ("type", .string(let type)): return problem(unless: Self.isOf(type, value))
        case ("type", .list(let types)):
            return problem(
                unless: types.contains { if case .string(let type) = $0 { Self.isOf(type, value) } else { false } })
        case ("const", _): return problem(unless: value == expected)
        case ("enum", .list(let values)): return problem(unless: values.contains(value))
        case ("pattern", .string(let pattern)):
            guard case .string(let text) = value else { return [] }
            return problem(unless: matches(text, pattern))
        case ("minLength", .int(let least)):
            guard case .string(let text) = value else { return [] }
            return problem(unless: text.unicodeScalars.count >= least)
        case ("minimum", .int(let bound)):
            return problem(unless: Self.number(value).map { $0 >= Double(bound) } ?? true)
        case ("maximum", .int(let bound)):
            return problem(unless: Self.number(value).map { $0 <= Double(bound) } ?? true)
        default:
            if case .record(let fields) = value { return map(fields, keyword, expected, schema, path) }
            if case .list(let elements) = value { return list(elements, keyword, expected, path) }
            return Self.ofContainers.contains(keyword)
                ? [] : [Problem(path: path, keyword: "unknown keyword \(keyword)")]
        }
    }

    private static let ofContainers: Set = [
        "properties", "patternProperties", "additionalProperties", "required", "minProperties", "maxProperties",
        "dependencies", "items", "minItems", "maxItems",
    ]

    // MARK: Maps and lists

    private func map(
        _ fields: Fields, _ keyword: String, _ expected: Value, _ schema: Fields, _ path: [String]
    ) -> [Problem] {
        func problem(unless isFine: Bool) -> [Problem] { isFine ? [] : [Problem(path: path, keyword: keyword)] }
        switch (keyword, expected) {
        case ("properties", .record(let properties)):
            return fields.fields.flatMap { field in
                properties[field.name].map { problems(field.value, $0, path + [field.name]) } ?? []
            }
        case ("patternProperties", .record(let properties)):
            return fields.fields.flatMap { field in
                properties.fields.flatMap { property in
                    matches(field.name, property.name) ? problems(field.value, property.value, path + [field.name]) : []
                }
            }
        case ("additionalProperties", _):
            return fields.fields.filter { !isListed($0.name, schema) }.flatMap { field in
                if expected == .bool(false) {
                    return [Problem(path: path + [field.name], keyword: keyword, refusesKey: true)]
                }
                return problems(field.value, expected, path + [field.name])
            }
        case ("required", .list(let names)):
            return problem(
                unless: names.allSatisfy { if case .string(let name) = $0 { fields[name] != nil } else { false } })
        case ("minProperties", .int(let count)): return problem(unless: fields.fields.count >= count)
        case ("maxProperties", .int(let count)): return problem(unless: fields.fields.count <= count)
        case ("dependencies", .record(let dependencies)):
            return dependencies.fields.flatMap { dependency -> [Problem] in
                guard fields[dependency.name] != nil, case .list(let names) = dependency.value else { return [] }
                return problem(
                    unless: names.allSatisfy { if case .string(let name) = $0 { fields[name] != nil } else { false } })
            }
        default:
            return Self.ofContainers.contains(keyword)
                ? [] : [Problem(path: path, keyword: "unknown keyword \(keyword)")]
        }
    }

    private func isListed(_ name: String, _ schema: Fields) -> Bool {
        if case .record(let properties)? = schema["properties"], properties[name] != nil { return true }
        guard case .record(let patterns)? = schema["patternProperties"] else { return false }
        return patterns.fields.contains { matches(name, $0.name) }
    }

    private func list(_ elements: [Value], _ keyword: String, _ expected: Value, _ path: [String]) -> [Problem] {
        switch (keyword, expected) {
        case ("items", _):
            return elements.enumerated().flatMap { problems($0.element, expected, path + ["\($0.offset)"]) }
        case ("minItems", .int(let count)):
            return elements.count >= count ? [] : [Problem(path: path, keyword: keyword)]
        case ("maxItems", .int(let count)):
            return elements.count <= count ? [] : [Problem(path: path, keyword: keyword)]
        default:
            return Self.ofContainers.contains(keyword)
                ? [] : [Problem(path: path, keyword: "unknown keyword \(keyword)")]
        }
    }

    /// Of several branches the one that was meant: it takes the form (or the kind) of the value.
    private func best(_ branches: [[Problem]], _ path: [String], _ keyword: String, isOne: Bool) -> [Problem] {
        let fitting = branches.count(where: \.isEmpty)
        if fitting == 1 || (fitting > 1 && !isOne) { return [] }
        guard fitting == 0 else { return [Problem(path: path, keyword: "\(keyword): \(fitting) fit")] }
        let meant = branches.filter { branch in
            !branch.contains { problem in
                (problem.path == path && ["type", "enum"].contains(problem.keyword))
                    || (problem.keyword == "const" && problem.path.count <= path.count + 1)
            }
        }
        return [Problem(path: path, keyword: keyword)] + (meant.min { $0.count < $1.count } ?? [])
    }

    // MARK: Values

    private static func isOf(_ type: String, _ value: Value) -> Bool {
        switch (type, value) {
        case ("string", .string), ("boolean", .bool), ("null", .null), ("array", .list), ("object", .record),
            ("integer", .int), ("number", .int), ("number", .double):
            true
        case ("integer", .double(let number)): number == number.rounded()
        default: false
        }
    }

    private static func number(_ value: Value) -> Double? {
        switch value {
        case .int(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    private func matches(_ text: String, _ pattern: String) -> Bool {
        if patterns[pattern] == nil { patterns[pattern] = try? Regex(pattern) }
        guard let regex = patterns[pattern] else { return false }
        return text.firstMatch(of: regex) != nil
    }
}
