/// Where in a rule an expression stands. Decides which names it may use, what it must give and what it may cost.
enum ExpressionPlace: Sendable, Equatable {
    case when
    case deliveryWhen
    /// `fanOut.where`
    case flowCondition
    case letValue(String)
    /// `key`, `coalesce.key`, `flow`, `path`, `fanOut.user`, an attribute of a CloudEvent
    case text
    /// The value of a header: may be absent, and is then left out.
    case header
    /// A value of `body` or `data`.
    case body
    /// `window.from`, `window.until`
    case time

    /// Whole units of an evaluation.
    var costLimit: Int {
        switch self {
        case .when, .deliveryWhen, .flowCondition, .letValue: 10_000
        case .text, .header, .body, .time: 100_000
        }
    }

    var isCondition: Bool {
        switch self {
        case .when, .deliveryWhen, .flowCondition: true
        default: false
        }
    }

    /// What messages call it.
    var name: String {
        switch self {
        case .when, .deliveryWhen: "when"
        case .flowCondition: "where"
        case .letValue(let name): "let.\(name)"
        case .text, .header, .body: "the template"
        case .time: "the window"
        }
    }
}
