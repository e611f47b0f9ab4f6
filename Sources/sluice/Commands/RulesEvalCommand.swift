import ArgumentParser
import Events
import Rules

/// `rules eval`
struct RulesEvalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval", abstract: "Tries an expression against an event or against values.",
        discussion: """
            Shows the value, its type, what it comes to as a condition, and what it cost:

              sluice rules eval "changedTo('StageName', 'Closed Won')" --event won.json
              sluice rules eval "x * 2.0 > 10.0" --bindings '{"x": 6.5}'

            --json-lines reads {"expr": "...", "bindings": {...}} line by line and answers each with {"value", "type",
            "cost"} or {"error": {"code", "message", "column"}}, without "value" where it is absent. In bindings a whole
            number is an int, one with a fraction or an exponent a double.
            """)

    @Argument(help: "The expression, as in 'when' or between ${ and }.") var expression: String?
    @Option(help: "A recorded event: what `sluice tap --json --events` writes.") var event: String?
    @Option(name: .customLong("replay-id"), help: "An event of the journal, by its replay ID.") var replayID: String?
    @Option(help: "Values as a JSON object.") var bindings: String?
    @Flag(help: "Lines of JSON in, lines of JSON out.") var jsonLines = false
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: ConfigurationOption

    func validate() throws {
        if jsonLines {
            guard expression == nil, event == nil, bindings == nil, replayID == nil else {
                throw ValidationError("--json-lines reads its expressions from standard input and takes nothing else.")
            }
            return
        }
        guard expression != nil else {
            throw ValidationError("An expression is missing; write: sluice rules eval \"1 + 1\"")
        }
        guard [event, replayID, bindings].count(where: { $0 != nil }) <= 1 else {
            throw ValidationError("Give one of --event, --replay-id and --bindings.")
        }
    }

    func run() async throws {
        guard let expression else { return answerLines() }
        let values = try givenBindings()
        let event = try await givenEvent()
        let answer = ExpressionAnswer(expression, event: event, bindings: values)
        Terminal.output.write(json ? answer.json + "\n" : answer.text)
        if case .failure(let failure) = answer.result, !failure.isUnknown { throw CommandFailure(.failed) }
    }

    private func givenBindings() throws -> Fields {
        guard let bindings else { return Fields() }
        guard case .record(let fields)? = try? JSONReader.parse(bindings) else {
            throw CommandFailure(.badInput, "--bindings is no JSON object; write --bindings '{\"x\": 1}'.")
        }
        return fields
    }

    private func givenEvent() async throws -> Event? {
        if let event { return try GivenEvents.read(file: event).first }
        guard let replayID else { return nil }
        return try await GivenEvents.journal(replayID, options).first
    }

    private func answerLines() {
        var lines = InputLines()
        while let line = lines.next() { Terminal.output.write(ExpressionAnswer(line: line).json + "\n") }
    }
}

/// What trying an expression came to, for people and programs.
struct ExpressionAnswer {
    let expression: String
    let result: Result<ExpressionTrial.Result, ExpressionTrial.Failure>
    /// What lint would refuse all the same.
    private var problems: [ExpressionTrial.Failure] = []

    /// - Parameter event: nil evaluates on the bindings alone.
    init(_ expression: String, event: Event?, bindings: Fields) {
        self.expression = expression
        do throws(ExpressionTrial.Failure) {
            let trial = try ExpressionTrial(expression, bindings: bindings.fields.map(\.name))
            problems = trial.problems
            if let event {
                result = .success(try trial.evaluate(on: event, now: TimeSource.system.wall()))
            } else {
                result = .success(try trial.evaluate(bindings: bindings))
            }
        } catch {
            result = .failure(error)
        }
    }

    /// A line of `--json-lines`.
    init(line: [UInt8]) {
        guard case .record(let request)? = try? JSONReader.parse(line), case .string(let text)? = request["expr"] else {
            self.init(badLine: #"the line is no JSON object with "expr""#)
            return
        }
        switch request["bindings"] {
        case nil, .null?: self.init(text, event: nil, bindings: Fields())
        case .record(let fields)?: self.init(text, event: nil, bindings: fields)
        default: self.init(badLine: #""bindings" is no JSON object"#)
        }
    }

    private init(badLine reason: String) {
        expression = ""
        result = .failure(ExpressionTrial.Failure(code: "bad-request", message: reason))
    }

    var json: String {
        switch result {
        case .success(let result):
            var answer = Fields()
            if let value = result.value { answer.append("value", value) }
            answer.append("type", .string(result.type))
            answer.append("cost", .int(Int64(result.cost)))
            return Self.text(.record(answer))
        case .failure(let failure):
            var error: Fields = ["code": .string(failure.code), "message": .string(failure.message)]
            if let column = failure.column { error.append("column", .int(Int64(column))) }
            return Self.text(.record(["error": .record(error)]))
        }
    }

    var text: String {
        var text: String
        switch result {
        case .success(let result):
            text = "value    \(result.value.map(Self.text) ?? "absent")\ntype     \(result.type)\n"
            text += "outcome  \(outcome(result))\ncost     \(result.cost)\n"
            for problem in problems { text += "lint refuses a rule with this:\n" + caret(problem) }
        case .failure(let failure):
            text = "outcome  \(failure.isUnknown ? "unknown" : "fault")\n" + caret(failure)
        }
        return text
    }

    private func outcome(_ result: ExpressionTrial.Result) -> String {
        guard result.type != "optional" else { return "none: a condition is a bool, and this is an optional" }
        return switch result.value {
        case .bool(let flag): flag ? "true" : "false"
        case .null: "unknown (null is neither true nor false)"
        default: "none: a condition is a bool"
        }
    }

    /// The line of the expression, the place, and the message.
    private func caret(_ failure: ExpressionTrial.Failure) -> String {
        guard let column = failure.column else { return "  \(failure)\n" }
        let scalars = Array(expression.unicodeScalars)
        let start = (scalars.prefix(column - 1).lastIndex { $0 == "\n" } ?? -1) + 1
        let line = scalars[start...].prefix { $0 != "\n" }
        let indent = column - 1 - start
        let width = max(1, min(failure.length, line.count - indent))
        var shown = String.UnicodeScalarView()
        shown.append(contentsOf: line)
        return "  \(String(shown))\n  \(String(repeating: " ", count: indent))\(String(repeating: "^", count: width)) "
            + "\(failure)\n"
    }

    private static func text(_ value: Value) -> String {
        var json = JSONText()
        json.value(value)
        return json.string
    }
}
