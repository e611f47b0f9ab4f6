import Events
import Rules
import Store

/// Builds the request of a paused delivery anew, from its event as it was kept, by the rules in force now.
struct EventRenderer: DeliveryRenderer {
    private let desk: DeadLetterDesk

    init(store: Store, orgs: ReplayOrgs, rules: CurrentRules, time: TimeSource = .system) {
        desk = DeadLetterDesk(store: store, outbox: nil, orgs: orgs, rules: rules, time: time)
    }

    var version: String { desk.rules.current.hash }

    func render(_ delivery: Delivery) async -> Rendering {
        let reason = delivery.unrenderedReason ?? ""
        let letter = DeadLetter(delivery: delivery, reason: .rendering, detail: reason, diedAt: desk.time.wall())
        do throws(ControlError) {
            return try await desk.rendered(letter)
        } catch {
            return .later("\(reason); it cannot be tried again now: \(error)")
        }
    }
}
