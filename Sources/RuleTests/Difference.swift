import Documents
import Events

/// Where an expected value and an actual one part.
struct Difference: Sendable {
    /// `body.data.amount`
    var path: String
    /// How many names and indices it has.
    var depth: Int
    var expected: String
    var actual: String
    /// In the test file.
    var location: SourceLocation

    var text: String { "\(path): expected \(expected), got \(actual)" }
}

/// Compares what a test file says with what came.
struct Comparison {
    /// Maps may have more keys than those expected; lists more elements, in the same order.
    var isPart = false
    private(set) var differences: [Difference] = []

    /// Of several, the one with the shortest path; the first of those.
    var shortest: Difference? { differences.min { $0.depth < $1.depth } }

    mutating func compare(_ expected: YAMLNode, _ actual: Value?, path: String, depth: Int = 1) {
        guard let actual else { return differ(expected, nil, path, depth) }
        switch (expected.content, actual) {
        case (.map(let entries), .record(let fields)): compare(entries, fields, expected, path, depth)
        case (.list(let elements), .list(let values)): compare(elements, values, expected, path, depth)
        case (.scalar, _):
            guard let value = expected.constant, Self.areEqual(value, actual) else {
                return differ(expected, actual, path, depth)
            }
        default: differ(expected, actual, path, depth)
        }
    }

    private mutating func compare(
        _ entries: [YAMLNode.Entry], _ fields: Fields, _ node: YAMLNode, _ path: String, _ depth: Int
    ) {
        for entry in entries { compare(entry.value, fields[entry.key], path: "\(path).\(entry.key)", depth: depth + 1) }
        guard !isPart else { return }
        for field in fields.fields where node.entry(field.name) == nil {
            add("\(path).\(field.name)", depth + 1, "nothing", Self.words(field.value), node)
        }
    }

    private mutating func compare(
        _ elements: [YAMLNode], _ values: [Value], _ node: YAMLNode, _ path: String, _ depth: Int
    ) {
        guard isPart else {
            for (index, element) in elements.enumerated() {
                compare(
                    element, index < values.count ? values[index] : nil, path: "\(path)[\(index)]", depth: depth + 1)
            }
            if values.count > elements.count {
                add("\(path)[\(elements.count)]", depth + 1, "nothing", Self.words(values[elements.count]), node)
            }
            return
        }
        var rest = values[...]
        for (index, element) in elements.enumerated() {
            let found = rest.firstIndex { value in
                var inner = Comparison(isPart: true)
                inner.compare(element, value, path: "")
                return inner.differences.isEmpty
            }
            guard let found else {
                add("\(path)[\(index)]", depth + 1, Self.words(element), "no such element", element)
                return
            }
            rest = rest[(found + 1)...]
        }
    }

    private mutating func differ(_ expected: YAMLNode, _ actual: Value?, _ path: String, _ depth: Int) {
        add(path, depth, Self.words(expected), actual.map(Self.words) ?? "nothing", expected)
    }

    mutating func add(_ path: String, _ depth: Int, _ expected: String, _ actual: String, _ node: YAMLNode) {
        differences.append(
            Difference(
                path: path, depth: depth, expected: expected, actual: actual,
                location: node.source.location(node.position)))
    }

    mutating func append(_ others: [Difference]) { differences += others }

    // MARK: Values

    /// Numbers are compared as numbers, as JSON has only one kind of them.
    static func areEqual(_ left: Value, _ right: Value) -> Bool {
        switch (left, right) {
        case (.int(let left), .double(let right)): Double(left) == right
        case (.double(let left), .int(let right)): left == Double(right)
        default: left == right
        }
    }

    static func words(_ value: Value) -> String {
        var json = JSONText()
        json.value(value)
        let text = json.string
        return text.unicodeScalars.count <= 300 ? text : String(scalars: text.unicodeScalars.prefix(297)) + "..."
    }

    static func words(_ node: YAMLNode) -> String {
        if let value = node.jsonValue { return words(value) }
        return node.kindInWords
    }
}

extension YAMLNode {
    /// The tree by the core schema, as JSON would carry it.
    var jsonValue: Value? {
        switch content {
        case .scalar: return constant
        case .list(let elements): return .list(elements.compactMap(\.jsonValue))
        case .map(let entries):
            return .record(
                Fields(entries.compactMap { entry in
                    entry.value.jsonValue.map { Fields.Field(name: entry.key, value: $0) }
                }))
        case .broken: return nil
        }
    }
}
