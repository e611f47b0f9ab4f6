import CEL
import Events

/// What the expressions of rules see of one event. Set up once per event, then turned to one rule after another; by one
/// thread at a time.
final class Evaluation {
    /// Of all expressions of one delivery together.
    static let deliveryCostLimit = 100_000

    let frame: CELFrame
    private(set) var event: Event
    /// `event.change`, as the rule in turn takes it.
    private(set) var change: String
    let now: Int64
    private let context: FieldContext
    private let given: Event
    /// What is shown is `given`, not an event with fetched fields.
    private var showsGiven = true
    /// The change for which `event` and `batch` are set up; nil when they have to be made.
    private var shownChange: String?
    private var spent = 0

    /// - Parameter now: epoch milliseconds, the same for all rules of an event.
    init(_ event: Event, now: Int64) {
        frame = CELFrame(for: RuleNames.environment())
        given = event
        self.event = event
        self.now = now
        change = event.change
        context = FieldContext(FieldChanges(event: event, reading: .nothing))
        frame.context = context
        frame[.now] = CELValue(milliseconds: now)
        frame[.org] = .object(OrgObject(event.org))
        show(event)
    }

    private func show(_ event: Event) {
        self.event = event
        shownChange = nil
        frame[.header] = event.header.map { .object(HeaderObject($0)) }
        frame[.record] = .object(RecordObject(event.record))
        frame[.recordId] = .string(event.recordID)
    }

    /// Turns to a rule that sees the event as it came.
    func begin(_ rule: Rule, _ role: EventRole) {
        if !showsGiven { show(given) }
        showsGiven = true
        turn(to: rule, role)
    }

    /// Turns to a rule.
    ///
    /// - Parameter event: as this rule sees it: with fetched fields if it asked for them.
    func begin(_ rule: Rule, _ event: Event, _ role: EventRole) {
        show(event)
        showsGiven = false
        turn(to: rule, role)
    }

    private func turn(to rule: Rule, _ role: EventRole) {
        if shownChange != role.change {
            change = role.change
            shownChange = change
            frame[.event] = .object(EventObject(event, change: change))
            frame[.batch] = .object(BatchObject([BatchMember(event: event, change: change)], withRecords: true))
        }
        context.changes = FieldChanges(event: event, reading: role.reading)
        frame[.rule] = rule.object
        frame[.vars] = rule.vars
        frame[.flow] = nil
        frame[.let] = rule.lets.isEmpty ? nil : .object(LetObject(rule.lets, in: self))
    }

    var changes: FieldChanges { context.changes }

    func set(batch: BatchObject) {
        frame[.batch] = .object(batch)
        shownChange = nil
    }

    func set(flow: FlowFacts?) { frame[.flow] = flow.map { .object(FlowObject($0)) } }

    /// A delivery's request is about to be rendered.
    func beginDelivery() { spent = 0 }

    func spend(_ cost: Int) throws(CELError) {
        spent += cost
        guard spent <= Self.deliveryCostLimit else {
            throw CELError(
                .costLimit, "the expressions of this delivery cost more than \(Self.deliveryCostLimit) together")
        }
    }
}

extension CELFrame {
    subscript(variable: RuleNames.Variable) -> CELValue? {
        get { self[variable.rawValue] }
        set { self[variable.rawValue] = newValue }
    }
}

/// `let`: sub-expressions by name, each evaluated once per rule and event, when it is first used.
final class LetObject: CELObject, @unchecked Sendable {
    // Belongs to one evaluation, which one thread runs at a time.
    private unowned let evaluation: Evaluation
    private let lets: [Rule.Let]
    private var known: [Result<CELValue, CELError>?]

    init(_ lets: [Rule.Let], in evaluation: Evaluation) {
        self.lets = lets
        self.evaluation = evaluation
        known = Array(repeating: nil, count: lets.count)
    }

    var typeName: String { "let" }

    func member(_ name: CELName) throws(CELError) -> CELValue? {
        guard let index = lets.firstIndex(where: { $0.name == name.text }) else { return nil }
        if let known = known[index] { return try known.get() }
        let result = compute(lets[index])
        known[index] = result
        return try result.get()
    }

    /// In a frame of its own, since it happens in the middle of another evaluation. A `let` only sees earlier ones, so
    /// this nests no deeper than there are names.
    private func compute(_ binding: Rule.Let) -> Result<CELValue, CELError> {
        let frame = CELFrame(for: RuleNames.environment())
        frame.context = evaluation.frame.context
        for variable in RuleNames.Variable.allCases { frame[variable] = evaluation.frame[variable] }
        do {
            return .success(try binding.expression.program.evaluate(frame))
        } catch {
            // Without a range: the place that used it is the one to show.
            return .failure(CELError(error.kind, "let.\(binding.name): \(error.message)"))
        }
    }
}
