import Testing

@testable import FlowMate

/// 200 users with one to five flows, switched, moved, edited and overlooked by scans, from a seed.
@Suite struct FlowDirectoryWorldTests {
    private struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state ^ (state >> 29)) &* 0xBF58_476D_1CE4_E5B9
        }
    }

    @Test(arguments: UInt64(1)...5) func `nothing goes to a wrong user, and nothing fitting is left out`(_ seed: UInt64)
    {
        var random = Random(state: seed)
        let users = (1...200).map { FlowDirectoryTests.user($0, "user\($0)") }
        var world: [String: FlowMateFlow] = [:]
        for user in 1...200 {
            for index in 0..<Int.random(in: 1...5, using: &random) {
                let flow = FlowDirectoryTests.flow(1000 + user * 10 + index, owner: user)
                world[flow.id] = flow
            }
        }
        var directory = FlowDirectory()
        var shownBefore: Set<String> = []
        for round in 0..<60 {
            change(&world, &random)
            // Pages that shift let about one flow in fifty slip past.
            let scan = world.values.filter { _ in Int.random(in: 0..<50, using: &random) > 0 }
            let shown = Set(scan.map(\.id))
            _ = directory.apply(users: users, scan: FlowMateFlowScan(flows: scan), at: Int64(round))
            let active = Dictionary(grouping: world.values.filter { $0.status == "active" }, by: { $0.owners[0].id })
            for user in users {
                let right = Set((active[user.id] ?? []).map(\.id))
                check(directory, user, right, shown, shownBefore, "seed \(seed), round \(round)")
            }
            shownBefore = shown
        }
    }

    private func change(_ world: inout [String: FlowMateFlow], _ random: inout Random) {
        for id in world.keys.sorted() {
            switch Int.random(in: 0..<40, using: &random) {
            case 0: world[id]?.status = "inactive"
            case 1: world[id]?.status = "active"
            case 2:
                world[id]?.owners = [
                    .init(id: FlowDirectoryTests.id(Int.random(in: 1...200, using: &random)), type: "user")
                ]
            case 3 where world.count > 300: world[id] = nil
            default: break
            }
        }
    }

    /// - Parameter right: the user's active flows as they are.
    private func check(
        _ directory: FlowDirectory, _ user: FlowMateUser, _ right: Set<String>, _ shown: Set<String>,
        _ before: Set<String>, _ place: String
    ) {
        guard case .flows(let found) = directory.resolve(user: user.username) else {
            Issue.record("\(user.username) is unknown, \(place)")
            return
        }
        let ids = Set(found.map(\.id))
        let leftOut = right.intersection(shown).subtracting(ids)
        if !leftOut.isEmpty { Issue.record("\(leftOut) are left out, \(place)") }
        // What this scan showed is as it is; what it did not show is at most one scan old.
        let wrong = ids.intersection(shown).subtracting(right)
        if !wrong.isEmpty { Issue.record("\(wrong) are not \(user.username)'s, \(place)") }
        let stale = ids.subtracting(shown).subtracting(before)
        if !stale.isEmpty { Issue.record("\(stale) were not seen for two scans, \(place)") }
    }
}
