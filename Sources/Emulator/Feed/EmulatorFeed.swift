import Events

/// A small business that never closes: accounts are edited, opportunities move on, production orders run.
///
/// Pure and seeded: the same seed and times give the same transactions. Records keep their state, so that every update
/// says something new about a record that exists.
package struct EmulatorFeed: Sendable {
    /// The records that the feed keeps of each object.
    static let maximumRecords = 40

    struct Account: Sendable { var id: String, name: String }
    struct Opportunity: Sendable { var id: String, stage: Int, amount: Double }
    struct ProductionOrder: Sendable { var id: String, name: String, status: Int, quantity: Double, done: Double }

    static let stages = [
        "Prospecting", "Qualification", "Proposal/Price Quote", "Negotiation/Review", "Closed Won",
    ]
    static let statuses = ["Planned", "Released", "In Progress", "Finished"]

    var random: SeededRandom
    var accounts: [Account] = []
    var opportunities: [Opportunity] = []
    var orders: [ProductionOrder] = []
    private var created: UInt64 = 0

    package init(seed: UInt64) { random = SeededRandom(seed: seed) }

    /// The next transaction: one or more changes that commit together.
    ///
    /// - Parameter now: epoch milliseconds.
    package mutating func next(now: Int64) -> [EmulatedChange] {
        if accounts.count < 3 { return [createAccount()] }
        if orders.count < 3 { return [createOrder(now: now)] }
        if opportunities.count < 2 { return [createOpportunity(now: now)] }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<45: return advanceOrder(now: now)
        case 45..<60: return [editAccount()]
        case 60..<75: return [advanceOpportunity(now: now)]
        case 75..<81: return [createOrder(now: now)]
        case 81..<85: return [createAccount()]
        case 85..<89: return [createOpportunity(now: now)]
        case 89..<92: return [moveAddress()]
        case 92..<95: return [reassignAccounts()]
        case 95..<98: return [deleteOrder()]
        default: return [gap()]
        }
    }

    mutating func newID(_ schema: EmulatedSchema) -> String {
        created += 1
        return SalesforceID.make(prefix: schema.keyPrefix, number: created &+ 0x1000)
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    func name(_ prefix: String, digits: Int) -> String {
        prefix + "-" + String(String(Int(1_000_000 + created)).suffix(digits))
    }
}
