import Events
import FoundationEssentials
import Yams

/// A file of steps: a YAML list, or JSON with one step on each line.
package struct Script: Sendable, Equatable {
    package struct Line: Sendable, Equatable {
        /// From 1.
        package let number: Int
        package let step: ScriptStep
    }

    static let maximumBytes = 8 << 20
    static let maximumSteps = 100_000
    static let maximumDepth = 32

    package let lines: [Line]

    package static func load(path: String) throws(EmulatorError) -> Script {
        let data: Data
        do { data = try Data(contentsOf: URL(filePath: path)) } catch {
            throw .unreadableScript(file: path, reason: "the file is not there or cannot be opened")
        }
        guard data.count <= maximumBytes else {
            throw .unreadableScript(file: path, reason: "it is longer than \(maximumBytes >> 20) MiB")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw .unreadableScript(file: path, reason: "it is not UTF-8")
        }
        return try Script(text, file: path)
    }

    /// - Parameter file: for messages only.
    package init(_ text: String, file: String = "") throws(EmulatorError) {
        let start = text.first { !$0.isWhitespace }
        lines = start == "{" ? try Self.jsonLines(text, file) : try Self.yaml(text, file)
        guard lines.count <= Self.maximumSteps else {
            throw .badScript(file: file, line: 1, reason: "more than \(Self.maximumSteps) steps")
        }
    }

    private static func jsonLines(_ text: String, _ file: String) throws(EmulatorError) -> [Line] {
        var lines: [Line] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard line.contains(where: { !$0.isWhitespace }) else { continue }
            let value: Value
            do throws(JSONError) { value = try JSONReader.parse(Array(line.utf8)) } catch {
                throw .badScript(file: file, line: index + 1, reason: "\(error)")
            }
            lines.append(try Self.line(value, number: index + 1, file))
        }
        return lines
    }

    private static func yaml(_ text: String, _ file: String) throws(EmulatorError) -> [Line] {
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch {
            let (line, problem) = (error as? YamlError).map(place(of:)) ?? (1, "\(error)")
            throw .badScript(file: file, line: line, reason: "not valid YAML: \(problem)")
        }
        guard let root else { return [] }
        guard case .sequence(let sequence) = root else {
            throw .badScript(file: file, line: root.mark?.line ?? 1, reason: "a script is a list of steps")
        }
        var lines: [Line] = []
        for node in sequence {
            let number = node.mark?.line ?? 1
            lines.append(try line(try value(node, depth: 1, file), number: number, file))
        }
        return lines
    }

    private static func line(_ value: Value, number: Int, _ file: String) throws(EmulatorError) -> Line {
        do throws(ScriptProblem) { return Line(number: number, step: try ScriptStep(value)) } catch {
            throw .badScript(file: file, line: number, reason: error.description)
        }
    }

    private static func place(of error: YamlError) -> (line: Int, problem: String) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            (mark.line, problem)
        default: (1, "\(error)")
        }
    }
}

extension Script {
    private static func value(_ node: Node, depth: Int, _ file: String) throws(EmulatorError) -> Value {
        let line = node.mark?.line ?? 1
        guard depth <= maximumDepth else {
            throw .badScript(file: file, line: line, reason: "more than \(maximumDepth) levels deep")
        }
        switch node {
        case .scalar(let scalar): return plain(scalar)
        case .sequence(let sequence):
            var values: [Value] = []
            for node in sequence { values.append(try value(node, depth: depth + 1, file)) }
            return .list(values)
        case .mapping(let mapping):
            var fields = Fields()
            for (key, node) in mapping {
                guard case .scalar(let name) = key else {
                    throw .badScript(file: file, line: line, reason: "keys must be plain text")
                }
                fields.append(name.string, try value(node, depth: depth + 1, file))
            }
            return .record(fields)
        case .alias:
            throw .badScript(file: file, line: line, reason: "aliases are not understood here")
        }
    }

    /// Only unquoted text can be anything but text. Dates stay text.
    private static func plain(_ scalar: Node.Scalar) -> Value {
        let text = scalar.string
        guard scalar.style == .plain || scalar.style == .any else { return .string(text) }
        switch text {
        case "", "~", "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default: break
        }
        // `007` is a name, not a number.
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        if digits.count > 1, digits.hasPrefix("0"), !digits.hasPrefix("0.") { return .string(text) }
        if let number = Int64(text) { return .int(number) }
        if let first = text.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
            let number = Double(text), number.isFinite
        {
            return .double(number)
        }
        return .string(text)
    }
}
