import CEL

/// One test of the CEL suite.
struct ConformanceCase {
    let file: String
    let section: String
    let message: TextMessage

    var name: String { "\(file)/\(section)/\(message.text("name") ?? "")" }
    var expression: String { message.text("expr") ?? "" }

    /// The cases of one file, in order.
    static func read(_ bytes: [UInt8], file: String) throws -> [ConformanceCase] {
        var reader = TextProtoReader(bytes)
        return try reader.read().messages("section").flatMap { section in
            section.messages("test").map { test in
                ConformanceCase(file: file, section: section.text("name") ?? "", message: test)
            }
        }
    }

    /// Whether the case needs protocol buffer messages, wrappers, enums or Any, none of which this language has.
    var needsMessages: Bool {
        if Self.namesMessage(expression) || (message.text("container") ?? "").contains("conformance") { return true }
        var found = false
        message.visit { name, value in
            switch (name, value) {
            case ("enum_value", _), ("wrapper", _), ("well_known", .word("ANY")): found = true
            case ("message_type", .text(let bytes)), ("type_value", .text(let bytes)):
                let type = String(decoding: bytes, as: UTF8.self)
                if type.contains("."), !Self.known.contains(type) { found = true }
            default:
                let prefix = "[type.googleapis.com/"
                if name.hasPrefix(prefix), !Self.known.contains(String(name.dropFirst(prefix.count).dropLast())) {
                    found = true
                }
            }
        }
        return found
    }

    private static let known = ["google.protobuf.Timestamp", "google.protobuf.Duration"]

    private static func namesMessage(_ expression: String) -> Bool {
        if ["TestAllTypes", "TestRequired", "GlobalEnum", "NestedEnum"].contains(where: expression.contains) {
            return true
        }
        var rest = expression[...]
        while let range = rest.firstRange(of: "google.protobuf.") {
            let name = rest[range.upperBound...].prefix { $0.isLetter || $0.isNumber }
            guard name == "Timestamp" || name == "Duration" else { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }
}

extension ConformanceCase {
    /// Runs the case as section 13.3 of the rules' design says.
    /// - Returns: nil when it passes, otherwise what went wrong.
    func run() -> String? {
        let environment = self.environment
        var options = CELSyntaxOptions()
        options.limits = .unbounded
        options.macros = !message.flag("disable_macros")
        let deduced: CELType?
        let program: CELProgram
        do {
            let tree = try CELSyntaxTree(parsing: expression, options: options)
            let checked = message.flag("disable_check") ? nil : CELCheck(tree, in: environment)
            if let issue = checked?.issues.first { return "checker: \(issue)" }
            deduced = checked?.type
            program = try CELProgram(tree, in: environment)
        } catch {
            return "\(error)"
        }
        if let wanted = message.message("typed_result")?.message("deduced_type").map(CELType.init(proto:)),
            let deduced, deduced != wanted
        {
            return "type \(deduced), expected \(wanted)"
        }
        return message.flag("check_only") ? nil : evaluate(program, environment)
    }

    private func evaluate(_ program: CELProgram, _ environment: CELEnvironment) -> String? {
        let frame = CELFrame(for: environment)
        for binding in message.messages("bindings") {
            guard let key = binding.text("key"), let slot = environment.slot(of: key),
                let value = binding.message("value")?.message("value")
            else { return "a binding cannot be read" }
            frame[slot] = CELValue(proto: value)
        }
        do {
            let value = try program.evaluate(frame)
            if message.message("eval_error") != nil { return "evaluates to \(value), expected an error" }
            let wanted = message.message("value") ?? message.message("typed_result")?.message("result")
            let expected = wanted.map(CELValue.init(proto:)) ?? .bool(true)
            return value.isIdentical(to: expected) ? nil : "evaluates to \(value), expected \(expected)"
        } catch {
            return message.message("eval_error") != nil ? nil : "fails \(error)"
        }
    }

    private var environment: CELEnvironment {
        var environment = CELEnvironment()
        environment.container = message.text("container") ?? ""
        environment.costLimit = 1_000_000
        for binding in message.messages("bindings") {
            if let key = binding.text("key") { environment.declare(.init(key)) }
        }
        for declaration in message.messages("type_env") {
            let name = declaration.text("name") ?? ""
            if let type = declaration.message("ident")?.message("type") {
                environment.declare(.init(name, CELType(proto: type)))
            }
            if let function = declaration.message("function") {
                environment.declare(CELFunction(name, function.messages("overloads").map(Self.overload), nil))
            }
        }
        return environment
    }

    private static func overload(_ message: TextMessage) -> CELOverload {
        CELOverload(
            parameters: message.messages("params").map(CELType.init(proto:)),
            result: message.message("result_type").map(CELType.init(proto:)) ?? .dyn,
            isReceiver: message.flag("is_instance_function"), isVariadic: false)
    }
}
