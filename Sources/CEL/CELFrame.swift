/// What one evaluation works with: the variables' values, the names bound by macros, the cost so far. Made once and
/// used for many evaluations, by one thread at a time.
package final class CELFrame {
    /// For the embedder's own functions: the event, for example. CEL never looks inside.
    package var context: AnyObject?

    var variables: [CELValue?]
    var locals: [CELValue] = []

    /// Thousandths of a unit of cost.
    private(set) var spent = 0
    private var limit = 0

    /// A frame for expressions compiled in `environment`; no variable has a value yet.
    package init(for environment: CELEnvironment) {
        variables = Array(repeating: nil, count: environment.variables.count)
    }

    /// - Parameter slot: the variable's place, from `CELEnvironment.slot(of:)`.
    package subscript(slot: Int) -> CELValue? {
        get { variables[slot] }
        set { variables[slot] = newValue }
    }

    /// Cost of the evaluation that ended last, in whole units, rounded up.
    package var cost: Int { (spent + 999) / 1_000 }

    func begin(locals count: Int, costLimit: Int) {
        spent = 0
        limit = costLimit.multipliedReportingOverflow(by: 1_000).overflow ? .max : costLimit * 1_000
        if locals.count < count { locals = Array(repeating: .null, count: count) }
    }

    /// Counts whole units of work.
    @inline(__always)
    package func charge(_ units: Int) throws(CELError) { try charge(thousandths: units * 1_000) }

    /// Counts work on text or lists: a tenth of a unit per byte or element.
    package func charge(items: Int) throws(CELError) { try charge(thousandths: min(items, 1 << 40) * 100) }

    /// Counts looking up a key, which is hashed or compared as a whole. Names of usual length are part of the price of
    /// the lookup.
    package func charge(key: CELKey) throws(CELError) {
        guard case .string(let text) = key, text.utf8.count > 64 else { return }
        try charge(items: text.utf8.count)
    }

    /// Counts a plain search for one text in another, which at worst compares each element with each.
    func charge(search part: Int, in whole: Int) throws(CELError) {
        let comparisons = whole.multipliedReportingOverflow(by: part)
        try charge(items: max(whole, comparisons.overflow ? .max : comparisons.partialValue / 64))
    }

    @inline(__always)
    func charge(thousandths: Int) throws(CELError) {
        spent += thousandths
        if spent > limit { throw overLimit() }
    }

    private func overLimit() -> CELError {
        CELError(.costLimit, "the expression costs more than \(limit / 1_000)")
    }
}
