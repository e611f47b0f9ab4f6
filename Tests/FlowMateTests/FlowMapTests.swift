import Testing

@testable import FlowMate

@Suite struct FlowMapTests {
    private func directory(_ flows: [FlowMateFlow], _ users: [FlowMateUser]) -> FlowDirectory {
        var directory = FlowDirectory()
        _ = directory.apply(users: users, scan: FlowMateFlowScan(flows: flows), at: 0)
        return directory
    }

    private func map(_ flows: [FlowMateFlow], _ users: [FlowMateUser], _ uses: [FlowMap.RuleUse]) -> FlowMap {
        FlowMap(directory: directory(flows, users), uses: uses)
    }

    @Test func `each flow stands under its user with the rules that reach it`() {
        let flows = [FlowDirectoryTests.flow(10), FlowDirectoryTests.flow(11, status: "inactive")]
        let directory = directory(flows, [FlowDirectoryTests.user(1, "ann")])
        let uses: [FlowMap.RuleUse] = [
            .init(rule: "named", choice: .flow(FlowDirectoryTests.id(11))), .init(rule: "any", choice: .anyFlow),
            .init(rule: "active", choice: .usersFlows(.active)), .init(rule: "all", choice: .usersFlows(.all)),
            .init(rule: "lost", choice: .flow("x")),
        ]
        let map = FlowMap(directory: directory, uses: uses)
        #expect(map.users.count == 1)
        #expect(map.users[0].flows.map(\.rules) == [["active", "all"], ["named", "all"]])
        #expect(map.users[0].flows.map(\.exclusion) == [nil, .notActive(status: "inactive")])
        let rules = { FlowMap.rules(of: $0, in: directory, uses: uses) }
        #expect(rules(FlowDirectoryTests.id(11)) == ["named", "all"] && rules("x").isEmpty)
        for line in map.users.flatMap(\.flows) { #expect(rules(line.flow.id) == line.rules) }
        #expect(map.unknownFlows == ["x": ["lost"]])
        #expect(map.only(user: "ANN").users.count == 1 && map.only(user: "bob").users.isEmpty)
    }

    @Test func `users of one name get nothing by name, and flows without a user stand by themselves`() {
        var tenants = FlowDirectoryTests.flow(12)
        tenants.owners = [.init(id: "t", type: "tenant")]
        let map = map(
            [FlowDirectoryTests.flow(10), tenants],
            [FlowDirectoryTests.user(1, "ann"), FlowDirectoryTests.user(2, "ann")],
            [.init(rule: "all", choice: .usersFlows(.all))])
        #expect(map.users.map(\.isAmbiguous) == [true, true, false])
        #expect(map.users.flatMap(\.flows).allSatisfy { $0.rules.isEmpty })
        #expect(map.users.last?.user == nil && map.users.last?.flows.first?.exclusion == .noUser)
    }

    @Test func `fewer executions than accepted events prove a loss, more prove nothing`() {
        var executions = FlowMateExecutions(rows: [.init(id: "a", count: 9), .init(id: "b", count: 30)], unreadable: 0)
        executions.rows.append(.init(id: "a", count: 1))
        let check = AcceptedCheck(accepted: ["a": 10, "b": 10, "c": 2], executions: executions)
        #expect(check.shortfalls == [.init(flow: "c", accepted: 2, executions: 0)])
        executions.rows.removeLast()
        #expect(
            AcceptedCheck(accepted: ["a": 10], executions: executions).shortfalls.map(\.description) == [
                "flow a accepted 10 events and executed 9 steps: at least 1 of the events are lost inside FlowMate"
            ])
    }
}
