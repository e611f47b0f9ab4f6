import CEL

/// Evaluates one expression with variables of type `dyn`.
func evaluate(
    _ source: String, _ variables: [String: CELValue] = [:], costLimit: Int = 10_000, functions: [CELFunction] = []
) throws(CELError) -> CELValue {
    let (program, frame) = try prepare(source, variables, costLimit: costLimit, functions: functions)
    return try program.evaluate(frame)
}

func condition(_ source: String, _ variables: [String: CELValue] = [:]) throws(CELError) -> CELOutcome {
    let (program, frame) = try prepare(source, variables)
    return program.condition(frame)
}

func prepare(
    _ source: String, _ variables: [String: CELValue] = [:], costLimit: Int = 10_000, functions: [CELFunction] = []
) throws(CELError) -> (CELProgram, CELFrame) {
    var environment = CELEnvironment(variables: variables.keys.sorted().map { .init($0) }, functions: functions)
    environment.costLimit = costLimit
    let program = try CELProgram(CELSyntaxTree(parsing: source), in: environment)
    let frame = CELFrame(for: environment)
    for (name, value) in variables {
        if let slot = environment.slot(of: name) { frame[slot] = value }
    }
    return (program, frame)
}

/// The error that parsing, compiling or evaluating ends in.
func failure(_ source: String, _ variables: [String: CELValue] = [:]) -> CELError? {
    do {
        _ = try evaluate(source, variables)
        return nil
    } catch {
        return error
    }
}

/// Whether it evaluates to true.
func holds(_ source: String, _ variables: [String: CELValue] = [:]) -> Bool {
    guard case .isTrue? = try? condition(source, variables) else { return false }
    return true
}

/// A host object with the given members; every other member is absent.
final class Members: CELObject {
    let typeName = "record"
    private let values: [(name: String, value: CELValue)]

    init(_ values: KeyValuePairs<String, CELValue>) { self.values = values.map { ($0.key, $0.value) } }

    func member(_ name: CELName) throws(CELError) -> CELValue? {
        values.first { $0.name == name.text }?.value
    }

    func presentMembers() throws(CELError) -> [(name: String, value: CELValue)] { values }
}
