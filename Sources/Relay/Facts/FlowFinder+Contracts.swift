import Events
import FlowMate
import Rules

/// What is known of a flow's parameters.
enum KnownContract {
    case known(FlowContract)
    /// It could not be read, which may pass.
    case later(String)
    /// It names none, or what it names cannot be found out; that was said then.
    case none
}

/// One flow of one destination.
struct FlowPlace: Sendable, Hashable {
    var destination: String
    var flow: String
}

/// What flows take, each read when it is first delivered to, and again as time goes by.
extension FlowFinder {
    /// Flows whose reading failed, as far as they are remembered.
    static let maximumFailedReads = 1_000

    /// - Parameter age: milliseconds; what is older is read again first. Nil takes what is known, and has it read again
    ///   beside if it is old.
    func contract(at place: FlowPlace, noOlderThan age: Int64?) async -> KnownContract {
        do {
            try await open(place.destination)
        } catch {
            return unknown(place, error.reason)
        }
        let known = entries[place.destination]?.directory.age(of: place.flow, at: now)
        let isKnown = entries[place.destination]?.directory.flow(place.flow) != nil
        if !isKnown || age.map({ known ?? .max > $0 }) ?? false {
            await read(place)?.value
        } else if known ?? .max > Self.freshMilliseconds {
            _ = read(place)
        }
        guard let entry = entries[place.destination] else { return .none }
        guard entry.client.settings.credential != nil || entry.directory.flow(place.flow) != nil else {
            return unknown(place, "without auth of the destination flows cannot be read")
        }
        guard let flow = entry.directory.flow(place.flow) else {
            let failed = entry.failedReads[place.flow]
            if let failed, failed.mayPass, now - failed.since < Self.unreadMilliseconds {
                return .later("what the flow takes could not be read yet: \(failed.reason)")
            }
            return unknown(place, failed?.reason ?? "the flow could not be read")
        }
        guard let contract = flow.contract, !contract.inputs.isEmpty else {
            return unknown(place, "the flow declares no input parameters")
        }
        return .known(contract)
    }

    private func unknown(_ place: FlowPlace, _ why: String) -> KnownContract {
        guard let entry = entries[place.destination] else { return .none }
        say(
            .warning, once: "unknown \(place)",
            """
            \(place.destination): what is sent to \(title(of: place.flow, entry)) is not checked against its parameters: \
            \(why)\(why.hasSuffix("?") ? "" : ".") Say conform: off in its rules if that is right
            """)
        return .none
    }

    /// - Returns: the read under way; nil when none is made.
    private func read(_ place: FlowPlace) -> Task<Void, Never>? {
        guard let entry = entries[place.destination], entry.client.settings.credential != nil,
            FlowMateWebhook.isFlowID(place.flow)
        else { return nil }
        if let task = entry.reads[place.flow] { return task }
        if let failed = entry.failedReads[place.flow], now - failed.at < Self.rereadMilliseconds { return nil }
        let (definition, client) = (entry.definition, entry.client)
        let task = Task { await reading(place, definition, client) }
        entries[place.destination]?.reads[place.flow] = task
        return task
    }

    private func reading(_ place: FlowPlace, _ definition: Destination, _ client: FlowMateClient) async {
        defer { if isStill(definition, place.destination) { entries[place.destination]?.reads[place.flow] = nil } }
        do throws(FlowMateError) {
            let flow = try await client.flow(place.flow)
            guard isStill(definition, place.destination) else { return }
            saw(flow, id: place.flow, destination: place.destination)
            entries[place.destination]?.failedReads[place.flow] =
                flow == nil ? FailedRead(at: now, since: now, reason: "FlowMate does not know the flow") : nil
        } catch {
            guard isStill(definition, place.destination) else { return }
            if entries[place.destination]?.failedReads.count ?? 0 >= Self.maximumFailedReads {
                entries[place.destination]?.failedReads.removeAll()
            }
            // A flow's ID, which the action names, is the only secret of its webhook.
            var shown = error
            shown.action = "read its parameters"
            // Long after the last one it is another outage.
            let last = entries[place.destination]?.failedReads[place.flow]
            let since = last.flatMap { now - $0.at < Self.unreadMilliseconds ? $0.since : nil } ?? now
            entries[place.destination]?.failedReads[place.flow] =
                FailedRead(at: now, since: since, reason: "\(shown)", mayPass: error.mayPass)
        }
    }

    package func saw(_ flow: FlowMateFlow?, id: String, destination: String) {
        guard let changes = entries[destination]?.directory.apply(flow: id, flow, at: now) else { return }
        took(changes, destination)
        // Its webhook is missing: other flows may have changed as well.
        guard flow?.status != "active", entries[destination]?.timer != nil else { return }
        entries[destination]?.directory.missed(at: now)
        arm(destination)
    }

    // MARK: What does not fit

    func violated(_ place: FlowPlace, rule: String, _ reason: String) {
        guard let entry = entries[place.destination] else { return }
        entries[place.destination]?.violated.insert(place.flow)
        let version = entry.directory.flow(place.flow)?.updatedAt ?? ""
        say(
            .error, once: "violated \(place) \(version) \(rule) \(reason)",
            """
            what rule \(rule) sends to \(title(of: place.flow, entry)) of \(place.destination) does not fit: \(reason). \
            Such deliveries wait, in order, until the flow or the rule is mended
            """)
    }

    func doubted(_ place: FlowPlace, rule: String, _ reason: String) {
        guard let entry = entries[place.destination] else { return }
        let version = entry.directory.flow(place.flow)?.updatedAt ?? ""
        say(
            .warning, once: "doubted \(place) \(version) \(rule) \(reason)",
            "rule \(rule) sends to \(title(of: place.flow, entry)) of \(place.destination) all the same: \(reason)")
    }
}
