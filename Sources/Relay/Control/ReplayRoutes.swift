import Events
import FoundationEssentials
import Store

/// Questions about replays: `replay.plan`, `replay.dryRun`, `replay.start`, `replay.list`, `replay.show`,
/// `replay.pause`, `replay.resume`, `replay.cancel`.
package enum ReplayRoutes {
    /// - Parameter service: nil while no daemon runs; what is asked for then starts with the next one.
    package static func make(
        store: Store, orgs: ReplayOrgs, rules: CurrentRules, service: ReplayService?, time: TimeSource = .system
    ) -> [ControlRoute] {
        let desk = ReplayDesk(store: store, orgs: orgs, rules: rules, service: service, time: time)
        return [
            ControlRoute("replay.plan") { (request: ReplayRequest) async throws(ControlError) in
                try await desk.preview(request)
            },
            ControlRoute("replay.dryRun") { (request: ReplayRequest) async throws(ControlError) in
                try await desk.dryRun(request)
            },
            ControlRoute("replay.start", isChange: true) { (request: ReplayRequest) async throws(ControlError) in
                try await desk.start(request)
            },
            ControlRoute("replay.list") { (_: ReplayListRequest) async throws(ControlError) in try await desk.list() },
            ControlRoute("replay.show") { (request: NamedReplay) async throws(ControlError) in
                try await desk.view(desk.record(request.id))
            },
            ControlRoute("replay.pause", isChange: true) { (request: NamedReplay) async throws(ControlError) in
                try await desk.end(request.id, as: .paused, "paused by an operator")
            },
            ControlRoute("replay.resume", isChange: true) { (request: NamedReplay) async throws(ControlError) in
                try await desk.resume(request.id)
            },
            ControlRoute("replay.cancel", isChange: true) { (request: NamedReplay) async throws(ControlError) in
                try await desk.end(request.id, as: .cancelled, "cancelled by an operator")
            },
        ]
    }
}

package struct ReplayListRequest: Sendable, Codable {
    package init() {}
}

/// Names a replay, or begins its name.
package struct NamedReplay: Sendable, Codable {
    package var id: String

    package init(id: String) { self.id = id }
}

/// What a replay would read, before it is asked for.
package struct ReplayPreview: Sendable, Codable {
    package var plan: ReplayPlan
    /// Nil where it cannot be counted beforehand.
    package var expectedEvents: Int?
    /// A relay runs, so that it would start at once.
    package var startsNow: Bool
}

/// A replay as people see it.
package struct ReplayView: Sendable, Codable {
    package struct Topic: Sendable, Codable {
        package var org: String
        package var topic: String
        package var source: ReplayPlan.Source
        package var progress: ReplayProgress
        package var expectedEvents: Int?
        /// Commit time of the last event that was handled.
        package var lastTime: ControlTime?
    }

    package var id: String
    package var state: ReplayRecord.State
    package var detail: String
    package var createdAt: ControlTime
    package var updatedAt: ControlTime
    package var topics: [Topic]
    package var rules: [String]
    package var destinations: [String]
    package var limit: Int?
    package var rate: Double?
    package var statements: [String]

    package var events: Int { topics.map(\.progress.events).reduce(0, +) }
    package var deliveries: Int { topics.map(\.progress.deliveries).reduce(0, +) }
    package var failures: Int { topics.map(\.progress.failures).reduce(0, +) }
    package var undecodable: Int { topics.map(\.progress.undecodable).reduce(0, +) }

    /// How much of it is done, 0…1; nil where nothing tells.
    package var fraction: Double? {
        if state == .done { return 1 }
        if let limit { return min(1, Double(events) / Double(limit)) }
        var done = 0.0
        var all = 0.0
        for topic in topics {
            guard let expected = topic.expectedEvents else { return nil }
            all += Double(expected)
            done += topic.progress.isDone ? Double(expected) : min(Double(topic.progress.events), Double(expected))
        }
        return all > 0 ? done / all : nil
    }
}
