/// What is wrong at the moment, and what has been drawn so far.
///
/// Unchecked: see `Machine`.
final class Faults: @unchecked Sendable {
    /// Things that last.
    enum Condition: String, CaseIterable {
        case pubsubDown = "Pub/Sub API down"
        case pubsubLimit = "Pub/Sub client limit reached"
        case silence = "stream silent"
        case schemaDown = "schemas not to be had"
        case tokenDown = "token endpoint unreachable"
        case tokenFails = "token endpoint answers 500"
        case tokenRefused = "sign-in refused"
        case tokenSlow = "token endpoint slow"
        case restDown = "REST API down"
        case restBusy = "REST API busy"
        case restLimit = "REST limit reached"
        case restLost = "REST answers get lost"
        case restSlow = "REST API slow"
    }

    private(set) var drawn: [String: Int] = [:]
    private var conditions: Set<Condition> = []

    func note(_ name: String) { drawn[name, default: 0] += 1 }

    func isOn(_ condition: Condition) -> Bool { conditions.contains(condition) }

    func begin(_ condition: Condition) {
        conditions.insert(condition)
        note(condition.rawValue)
    }

    func end(_ condition: Condition) { conditions.remove(condition) }

    func endAll() { conditions = [] }
}
