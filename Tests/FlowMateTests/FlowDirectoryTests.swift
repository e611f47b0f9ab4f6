import Testing

@testable import FlowMate

@Suite struct FlowDirectoryTests {
    static func id(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 24 - digits.count) + digits
    }

    static func flow(_ number: Int, owner: Int = 1, status: String = "active") -> FlowMateFlow {
        FlowMateFlow(
            id: id(number), status: status, updatedAt: "1", owners: [.init(id: id(owner), type: "USER")],
            hasFirstNode: true)
    }

    static func user(_ number: Int, _ name: String, status: String = "ACTIVE") -> FlowMateUser {
        FlowMateUser(id: id(number), username: name, status: status)
    }

    private func directory(
        _ flows: [FlowMateFlow], _ users: [FlowMateUser] = [user(1, "ann"), user(2, "bob")]
    ) -> FlowDirectory {
        var directory = FlowDirectory()
        _ = directory.apply(users: users, scan: FlowMateFlowScan(flows: flows), at: 0)
        return directory
    }

    private func flows(_ directory: FlowDirectory, _ user: String, _ wanted: FlowDirectory.Wanted = .active)
        -> [String]?
    {
        guard case .flows(let flows) = directory.resolve(user: user, wanted: wanted) else { return nil }
        return flows.map(\.id)
    }

    @Test func `an event for a user goes to that user's flows, whatever the case of the name`() {
        let directory = directory([Self.flow(10), Self.flow(11, owner: 2), Self.flow(12)])
        #expect(flows(directory, "ann") == [Self.id(10), Self.id(12)])
        #expect(flows(directory, "ANN") == flows(directory, "ann"))
        #expect(flows(directory, "bob") == [Self.id(11)])
        #expect(directory.resolve(user: "carl") == .unknownUser)
        #expect(FlowDirectory().resolve(user: "ann") == .notScanned)
    }

    @Test func `two users of one name get nothing, and neither does one who is not active`() {
        let twins = directory([Self.flow(10)], [Self.user(1, "ann"), Self.user(2, "Ann")])
        #expect(twins.resolve(user: "ann") == .ambiguous(ids: [Self.id(1), Self.id(2)]))
        let pending = directory([Self.flow(10)], [Self.user(1, "ann", status: "PENDING")])
        #expect(pending.resolve(user: "ann") == .userNotActive(status: "PENDING"))
    }

    @Test func `flows that have no webhook are left out, with the reason`() {
        var scheduled = Self.flow(10)
        scheduled.cron = "0 3 * * *"
        var broken = Self.flow(11)
        broken.hasFirstNode = false
        var shared = Self.flow(12)
        shared.owners = [.init(id: "t", type: "tenant")]
        var odd = Self.flow(13)
        odd.id = "short"
        let stopped = Self.flow(14, status: "inactive")
        let directory = directory([scheduled, broken, shared, odd, stopped])
        #expect(flows(directory, "ann") == [])
        #expect(flows(directory, "ann", .all) == [stopped.id], "deliveries may wait for a flow that is switched off")
        #expect(
            [scheduled, broken, shared, odd, stopped].map { directory.exclusion(of: $0) } == [
                .scheduled, .noFirstNode, .noUser, .badID, .notActive(status: "inactive"),
            ])
    }

    @Test func `only flows of allowed templates count`() {
        var settings = FlowDirectory.Settings()
        settings.templates = ["t1"]
        var ours = Self.flow(10)
        ours.template = "t1"
        var directory = FlowDirectory(settings: settings)
        _ = directory.apply(users: [Self.user(1, "ann")], scan: .init(flows: [ours, Self.flow(11)]), at: 0)
        #expect(flows(directory, "ann") == [ours.id])
        #expect(directory.exclusion(of: Self.flow(11)) == .otherTemplate)
    }

    @Test func `a flow is gone only after two scans in a row without it`() {
        var directory = directory([Self.flow(10), Self.flow(11)])
        let users = directory.allUsers
        func scan(_ flows: [FlowMateFlow], complete: Bool = true) -> FlowDirectory.Changes {
            directory.apply(users: users, scan: FlowMateFlowScan(flows: flows, isComplete: complete), at: 1)
        }
        #expect(scan([Self.flow(10)]).isEmpty)
        #expect(flows(directory, "ann")?.count == 2)
        #expect(scan([Self.flow(10), Self.flow(11)]).isEmpty, "it was only overlooked")
        #expect(scan([Self.flow(10)]).isEmpty)
        #expect(scan([], complete: false).isEmpty, "a scan that broke off proves nothing")
        #expect(scan([Self.flow(10)]).gone == [Self.id(11)])
        #expect(flows(directory, "ann") == [Self.id(10)])
    }

    @Test func `what a scan does show counts at once`() {
        var directory = directory([Self.flow(10)])
        let users = directory.allUsers
        _ = directory.apply(users: users, scan: .init(flows: [Self.flow(10, status: "inactive")]), at: 1)
        #expect(flows(directory, "ann") == [])
        _ = directory.apply(users: users, scan: .init(flows: [Self.flow(10, owner: 2)]), at: 2)
        #expect(flows(directory, "ann") == [] && flows(directory, "bob") == [Self.id(10)])
    }

    @Test func `a changed flow and its contract are told`() {
        var directory = directory([Self.flow(10)])
        var changed = Self.flow(10)
        changed.updatedAt = "2"
        changed.contract = FlowContract(inputs: [.init(name: "id", type: "string")])
        let changes = directory.apply(flow: changed.id, changed)
        #expect(changes.updated == [changed.id])
        #expect(changes.contracts == [changed.id: [ContractChange("id", .added(type: "string"))]])
        #expect(directory.apply(flow: changed.id, nil).gone == [changed.id])
    }

    @Test func `it scans at once, then on a timer, sooner after a 404, and slower while scans fail`() {
        var directory = FlowDirectory()
        #expect(directory.next(at: 0) == .scan)
        directory.failed(at: 0)
        #expect(directory.next(at: 0) == .wait(until: 10_000))
        directory.failed(at: 10_000)
        #expect(directory.next(at: 10_000) == .wait(until: 30_000))
        for _ in 0..<60 { directory.failed(at: 30_000) }
        #expect(directory.next(at: 30_000) == .wait(until: 330_000))
        _ = directory.apply(users: [], scan: .init(flows: []), at: 400_000)
        #expect(directory.next(at: 400_000) == .wait(until: 700_000))
        directory.missed(at: 401_000)
        directory.missed(at: 402_000)
        #expect(directory.next(at: 402_000) == .wait(until: 410_000), "a burst of 404 is one reason")
        #expect(directory.next(at: 410_000) == .scan)
    }

    @Test func `it comes back from the store as it was`() throws {
        var flow = Self.flow(10)
        flow.contract = FlowContract(inputs: [.init(name: "id", type: "string")])
        flow.cron = ""
        let directory = directory([flow, Self.flow(11, status: "inactive")])
        let again = try #require(FlowDirectory(saved: directory.saved))
        #expect(again.allFlows == directory.allFlows && again.allUsers == directory.allUsers)
        #expect(flows(again, "ann") == flows(directory, "ann"))
        #expect(again.next(at: 0) == .scan)
        #expect(FlowDirectory(saved: Array("{}".utf8)) == nil)
    }
}
