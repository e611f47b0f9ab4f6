import CEL
import Documents

/// Literal patterns of `matches` that RE2 does not take, with the name of what it lacks.
enum RegexDiagnosis {
    static func diagnoses(in root: CELExpression) -> [Diagnosis] {
        var found: [Diagnosis] = []
        root.forEachNode { node in
            guard case .call(let name, let receiver, let arguments) = node.kind, name.text == "matches",
                let pattern = arguments.last, arguments.count + (receiver == nil ? 0 : 1) == 2,
                let text = pattern.stringLiteral
            else { return }
            if let problem = problem(text, node, pattern.range) { found.append(problem) }
        }
        return found
    }

    private static func problem(_ text: String, _ call: CELExpression, _ range: Range<Int>) -> Diagnosis? {
        let reason: String
        do {
            _ = try CELProgram(call, in: environment)
            return nil
        } catch {
            // Something else than the pattern is the checker's to report.
            guard error.kind == .badArgument, error.range == nil || error.range == range else { return nil }
            reason = error.message
        }
        if let feature = unsupported(text) {
            return Diagnosis(
                .regexUnsupported, at: range, "\(feature.name) is not supported", hint: feature.hint)
        }
        let detail = reason.firstRange(of: "pattern: ").map { String(reason[$0.upperBound...]) } ?? reason
        return Diagnosis(.regex, at: range, "this is not a regular expression of RE2: \(detail.shortened)")
    }

    private static let environment = CELEnvironment()

    /// What other engines have and a linear-time one cannot, by its name.
    static func unsupported(_ pattern: String) -> (name: String, hint: String?)? {
        let scalars = Array(pattern.unicodeScalars)
        var index = 0
        var isInClass = false
        while index < scalars.count {
            let rest = scalars[index...]
            if scalars[index] == "\\", index + 1 < scalars.count {
                let next = scalars[index + 1]
                if !isInClass, ("1"..."9").contains(next) || next == "k" || next == "g" {
                    return ("a back-reference", "compare the parts with CEL: split(), substring()")
                }
                if !isInClass, next == "G" || next == "Z" { return ("'\\\(Character(next))'", "write \\z for the end") }
                index += 2
                continue
            }
            if scalars[index] == "[" { isInClass = true }
            if scalars[index] == "]" { isInClass = false }
            if !isInClass, scalars[index] == "(", let found = group(rest) { return found }
            if !isInClass, "*+?}".unicodeScalars.contains(scalars[index]), index + 1 < scalars.count,
                scalars[index + 1] == "+"
            {
                return ("a possessive quantifier", "leave the second + out: nothing backtracks here")
            }
            index += 1
        }
        return nil
    }

    private static func group(_ rest: ArraySlice<Unicode.Scalar>) -> (name: String, hint: String?)? {
        let conditions = "join two conditions with && and !"
        let forms: [(String, String, String?)] = [
            ("(?=", "look-ahead", conditions), ("(?!", "look-ahead", conditions),
            ("(?<=", "look-behind", conditions), ("(?<!", "look-behind", conditions),
            ("(?>", "an atomic group", "write (?: nothing backtracks here"),
            ("(?(", "a conditional group", "write condition ? value : other value"),
            ("(?#", "a comment", "write it behind // in the rule"), ("(?R", "recursion", nil),
            ("(?&", "recursion", nil),
            ("(?P=", "a back-reference", "compare the parts with CEL: split(), substring()"),
        ]
        return forms.first { rest.starts(with: $0.0.unicodeScalars) }.map { ($0.1, $0.2) }
    }
}
