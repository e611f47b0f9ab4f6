/// Users, their flows, and the rules that deliver to them: what `sluice flowmate map` shows.
package struct FlowMap: Sendable, Equatable {
    /// How a rule chooses flows.
    package enum Choice: Sendable, Equatable {
        /// By a flow ID that stands in the rule.
        case flow(String)
        /// By a flow ID that only the event knows.
        case anyFlow
        /// `fanOut`: the flows of the user that the event names.
        case usersFlows(FlowDirectory.Wanted)
    }

    package struct RuleUse: Sendable, Equatable {
        package var rule: String
        package var choice: Choice

        package init(rule: String, choice: Choice) {
            self.rule = rule
            self.choice = choice
        }
    }

    package struct FlowLine: Sendable, Equatable {
        package var flow: FlowMateFlow
        package var rules: [String]
        /// Why it gets nothing; nil when it does.
        package var exclusion: FlowExclusion?
    }

    package struct UserLine: Sendable, Equatable {
        /// Nil for flows without a known owner.
        package var user: FlowMateUser?
        /// Another user has the same name, so `fanOut` goes to neither.
        package var isAmbiguous: Bool
        package var flows: [FlowLine]
    }

    package var users: [UserLine]
    /// Flows that rules name and FlowMate does not show.
    package var unknownFlows: [String: [String]]

    package init(directory: FlowDirectory, uses: [RuleUse]) {
        var lines: [UserLine] = []
        for user in directory.allUsers {
            let owned = directory.flowsByUser[user.id, default: []].compactMap(directory.flow)
            let isAmbiguous = directory.isAmbiguous(user)
            lines.append(
                UserLine(
                    user: user, isAmbiguous: isAmbiguous,
                    flows: owned.map { Self.line($0, directory, uses, owner: isAmbiguous ? nil : user) }))
        }
        let orphans = directory.allFlows.filter { directory.owners(of: $0).isEmpty }
        if !orphans.isEmpty {
            lines.append(
                UserLine(
                    user: nil, isAmbiguous: false, flows: orphans.map { Self.line($0, directory, uses, owner: nil) }))
        }
        users = lines
        unknownFlows = [:]
        for use in uses {
            guard case .flow(let id) = use.choice, directory.flow(id) == nil else { continue }
            unknownFlows[id, default: []].append(use.rule)
        }
    }

    /// The rules that deliver to a flow, for telling whom a change of its contract concerns. Without a map of all: that is
    /// for people.
    package static func rules(of id: String, in directory: FlowDirectory, uses: [RuleUse]) -> [String] {
        guard let flow = directory.flow(id) else { return [] }
        let owners: [FlowMateUser?] = directory.owners(of: flow).map { directory.isAmbiguous($0) ? nil : $0 }
        let all = (owners.isEmpty ? [nil] : owners).flatMap { line(flow, directory, uses, owner: $0).rules }
        var seen: Set<String> = []
        return all.filter { seen.insert($0).inserted }
    }

    /// Only what concerns one user.
    package func only(user name: String) -> FlowMap {
        var map = self
        map.users = users.filter { $0.user?.isNamed(name) == true }
        map.unknownFlows = [:]
        return map
    }

    private static func line(
        _ flow: FlowMateFlow, _ directory: FlowDirectory, _ uses: [RuleUse], owner: FlowMateUser?
    ) -> FlowLine {
        let exclusion = directory.exclusion(of: flow)
        let rules = uses.filter { use in
            switch use.choice {
            case .flow(let id): id == flow.id
            case .anyFlow: false
            case .usersFlows(let wanted): owner?.isActive == true && fits(exclusion, wanted)
            }
        }
        return FlowLine(flow: flow, rules: rules.map(\.rule), exclusion: exclusion)
    }

    private static func fits(_ exclusion: FlowExclusion?, _ wanted: FlowDirectory.Wanted) -> Bool {
        switch exclusion {
        case nil: true
        case .notActive?: wanted == .all
        default: false
        }
    }
}
