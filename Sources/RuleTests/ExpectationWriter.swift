import Documents
import Events

/// Rewrites `expect.deliveries` of failing tests in the text of their file, and leaves everything else as it is,
/// comments included.
struct ExpectationWriter {
    private struct Edit {
        /// 1-based, both included.
        var lines: ClosedRange<Int>
        var replacement: [String]
    }

    private let lines: [String]
    private var edits: [Edit] = []

    var count: Int { edits.count }

    init(_ suite: TestSuite) {
        lines = suite.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// A test that failed; without expected deliveries there is nothing to rewrite.
    mutating func note(_ test: TestCase, _ deliveries: [SentDelivery]) {
        guard let entry = test.expectation.entry("deliveries") else { return }
        let value = Value.list(deliveries.enumerated().map { index, delivery in
            let elements = entry.value.isList ? entry.value.elements : []
            return Self.value(delivery, test, like: index < elements.count ? elements[index] : nil)
        })
        let place = entry.keyPosition
        if Self.indent(lines[place.line - 1]) == place.column - 1 {
            edits.append(block(entry.key, value, at: place))
        } else if let edit = flow(test, value) {
            edits.append(edit)
        }
    }

    /// Nil if nothing is to be written.
    var updated: String? {
        guard !edits.isEmpty else { return nil }
        var lines = lines
        for edit in edits.sorted(by: { $0.lines.lowerBound > $1.lines.lowerBound }) {
            lines.replaceSubrange(edit.lines.lowerBound - 1...edit.lines.upperBound - 1, with: edit.replacement)
        }
        return lines.joined(separator: "\n")
    }

    // MARK: Places

    /// A key on a line of its own: its value ends before the next line that is indented no further.
    private func block(_ key: String, _ value: Value, at place: SourcePosition) -> Edit {
        let indent = place.column - 1
        var end = place.line
        for number in (place.line + 1)..<(lines.count + 1) {
            let line = lines[number - 1]
            if line.allSatisfy({ $0 == " " || $0 == "\r" }) { continue }
            let isElement = Self.indent(line) == indent && line.dropFirst(indent).hasPrefix("-")
            guard Self.indent(line) > indent || isElement else { break }
            end = number
        }
        var text = YAMLText()
        text.entry(key, value, indent: indent)
        return Edit(lines: place.line...end, replacement: text.lines)
    }

    /// `expect: {…}` over whole lines becomes a block.
    private func flow(_ test: TestCase, _ deliveries: Value) -> Edit? {
        let key = test.expectationLocation.position
        let start = test.expectation.position
        guard Self.indent(lines[key.line - 1]) == key.column - 1, start.line == key.line,
            let end = flowEnd(from: start)
        else { return nil }
        var text = YAMLText()
        let fields = test.expectation.entries.map { entry in
            Fields.Field(
                name: entry.key, value: entry.key == "deliveries" ? deliveries : entry.value.jsonValue ?? .null)
        }
        text.entry("expect", .record(Fields(fields)), indent: key.column - 1)
        return Edit(lines: key.line...end.line, replacement: text.lines)
    }

    /// The line with the brace that closes the one at `start`; nil if more stands behind it.
    private func flowEnd(from start: SourcePosition) -> SourcePosition? {
        var depth = 0
        var quote: Unicode.Scalar?
        for number in start.line...lines.count {
            let scalars = Array(lines[number - 1].unicodeScalars)
            var index = number == start.line ? start.column - 1 : 0
            while index < scalars.count {
                let scalar = scalars[index]
                if let open = quote {
                    if scalar == "\\", open == "\"" { index += 1 } else if scalar == open { quote = nil }
                } else if scalar == "\"" || scalar == "'" {
                    quote = scalar
                } else if scalar == "{" || scalar == "[" {
                    depth += 1
                } else if scalar == "}" || scalar == "]" {
                    depth -= 1
                    if depth == 0 {
                        let rest = scalars[(index + 1)...].drop { $0.isBlank || $0 == "\r" }
                        return rest.isEmpty ? SourcePosition(line: number, column: index + 1) : nil
                    }
                }
                index += 1
            }
        }
        return nil
    }

    private static func indent(_ line: String) -> Int { line.prefix { $0 == " " }.count }

    // MARK: Values

    /// - Parameter old: says which of the optional keys are of interest.
    private static func value(_ delivery: SentDelivery, _ test: TestCase, like old: YAMLNode?) -> Value {
        var fields: Fields = ["rule": .string(delivery.rule), "destination": .string(delivery.destination)]
        if old?["id"] != nil { fields.append("id", .string(delivery.id)) }
        if test.isSequence || old?["at"] != nil, let at = delivery.at {
            fields.append("at", .string(DeliveryText.at(at, start: test.start)))
        }
        if let window = delivery.window {
            fields.append(
                "window",
                .record([
                    "from": .string(Timestamp.rfc3339(window.lowerBound)),
                    "until": .string(Timestamp.rfc3339(window.upperBound)),
                ]))
        }
        if delivery.state != .delivered || old?["state"] != nil {
            fields.append("state", .string(delivery.state.rawValue))
        }
        if old?["attempts"] != nil { fields.append("attempts", .int(Int64(delivery.attempts))) }
        guard let request = delivery.request else { return .record(fields) }
        fields.append("method", .string(request.method))
        fields.append("url", .string(request.url))
        let headers = (old?["headers"]?.entries ?? []).compactMap { entry in
            request.headers.first { $0.name.lowercased() == entry.key.lowercased() }
                .map { Fields.Field(name: entry.key, value: .string($0.value)) }
        }
        if !headers.isEmpty { fields.append("headers", .record(Fields(headers))) }
        if old?["bodyText"] == nil, let body = try? JSONReader.parse(request.body) {
            fields.append("body", body)
        } else {
            fields.append("bodyText", .string(String(decoding: request.body, as: UTF8.self)))
        }
        return .record(fields)
    }
}
