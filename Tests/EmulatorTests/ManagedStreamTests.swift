import Events
import PubSub
import Testing

@testable import Emulator

/// ManagedSubscribe: who may have a subscription, where it starts, and what may be committed.
@Suite struct ManagedStreamTests {
    private static let name = EmulatorDefaults.managedSubscription
    private static let id = "18xDp0000000001IAA"
    private var org = EmulatedOrg(
        access: OrgAccess(clientID: "id", clientSecret: "s", organizationID: "00D", fixedToken: nil), seed: 3,
        now: 1_000,
        retention: .init(events: 20), forbidden: [])

    private func open(
        _ request: ManagedFetchRequest = .init(developerName: name, numRequested: 100), busy: Set<String> = []
    ) throws(PubSubFailure) -> ManagedStream {
        try ManagedStream(
            first: request, org: org, rpcID: "r", limits: .init(), now: .zero, isBusy: busy.contains)
    }

    private mutating func publish(_ count: Int) throws {
        for _ in 0..<count {
            try org.commit([EmulatedChange(entity: "Opportunity", recordIDs: ["006"])], now: 2_000)
        }
    }

    private func next(_ stream: inout ManagedStream) throws -> StreamStep<ManagedFetchResponse>? {
        stream.next(from: try org.log("/data/Orders__chn"), org: org, now: .zero)
    }

    /// IDs of the events that are due; nothing else may be.
    private func events(_ stream: inout ManagedStream) throws -> [ReplayID] {
        guard case .respond(let response)? = try next(&stream) else { return [] }
        #expect(response.commit == nil)
        return response.response.events.map(\.replayID)
    }

    private mutating func commit(_ id: ReplayID?, _ stream: inout ManagedStream, name: String = "c") throws {
        try stream.add(
            ManagedFetchRequest(numRequested: 0, commit: CommitReplayRequest(id: name, replayID: id)), org: &org, now: 7
        )
    }

    /// The answer that is due.
    private func answer(_ stream: inout ManagedStream) throws -> CommitReplayResponse? {
        guard case .respond(let response)? = try next(&stream) else { return nil }
        #expect(response.isOnlyCommit)
        return response.commit
    }

    @Test func `it is named by ID, long or short, or by developer name, and by nothing else`() throws {
        for (id, name) in [(Self.id, ""), (String(Self.id.prefix(15)), ""), ("", Self.name)] {
            #expect(try open(.init(subscriptionID: id, developerName: name, numRequested: 0)).id == Self.id)
        }
        let wrong: [(String, String, PubSubFailure)] = [
            ("", "", .managedNameMissing), (Self.id, Self.name, .managedNameMissing),
            ("18x", "", .badManagedID("18x")), ("", "Nope", .unknownManagedName("Nope")),
            ("18xDp0000000009IAA", "", .unknownManagedID("18xDp0000000009IAA")),
        ]
        for (id, name, failure) in wrong {
            #expect(throws: failure) { try open(.init(subscriptionID: id, developerName: name, numRequested: 1)) }
        }
    }

    @Test mutating func `bad requests are told apart`() throws {
        let commit = CommitReplayRequest(id: "c", replayID: nil)
        #expect(throws: PubSubFailure.managedCommitFirst) {
            try open(.init(developerName: Self.name, numRequested: 1, commit: commit))
        }
        #expect(throws: PubSubFailure.managedCount(-1)) { try open(.init(developerName: Self.name, numRequested: -1)) }
        var stream = try open()
        #expect(throws: PubSubFailure.managedCount(-2)) {
            try stream.add(.init(numRequested: -2, commit: commit), org: &org, now: 0)
        }
        #expect(throws: PubSubFailure.managedRequestEmpty) {
            try stream.add(.init(numRequested: 0), org: &org, now: 0)
        }
    }

    @Test func `a second client is kept out`() {
        #expect(throws: PubSubFailure.managedActive(Self.name)) { try open(busy: [Self.id]) }
    }

    @Test mutating func `a new client starts behind what was committed, or where the default says`() throws {
        try publish(3)
        var first = try open()
        let ids = try events(&first)
        #expect(ids.count == 3)
        try commit(ids[1], &first)
        #expect(try answer(&first) == CommitReplayResponse(id: "c", replayID: ids[1], processTime: 7))
        var second = try open()
        #expect(try events(&second) == [ids[2]])

        try org.perform(.managed(.init(name: "Late", topic: "/data/Orders__chn")), now: 0)
        var late = try open(.init(developerName: "Late", numRequested: 5))
        #expect(try events(&late).isEmpty, "LATEST is the default")
    }

    @Test(arguments: [(ManagedReplay.earliest, 20), (.latest, 0)])
    mutating func `what was committed may be out of retention`(replay: ManagedReplay, left: Int) throws {
        try publish(1)
        var first = try open()
        try commit(try events(&first).first, &first)
        try org.perform(.managed(.init(name: Self.name, errorRecoveryReplay: replay)), now: 0)
        try publish(25)
        var second = try open()
        #expect(try events(&second).count == left)
    }

    @Test mutating func `a commit is refused by itself, and the stream goes on`() throws {
        try publish(4)
        var stream = try open(.init(developerName: Self.name, numRequested: 3))
        let ids = try events(&stream)
        try commit(ids[1], &stream)
        _ = try answer(&stream)
        let undelivered = try #require(org.topics["/data/Orders__chn"]?.latestReplayID)
        let between = TopicLog.replayID(TopicLog.position(ids[2])! - 1)
        let wrong: [(ReplayID?, String)] = [
            (nil, "missing"), (ReplayID([1]), "invalid"), (undelivered, "not delivered"), (ids[0], "later"),
            (between == ids[1] ? ReplayID([2]) : between, "invalid"),
        ]
        for (id, reason) in wrong {
            try commit(id, &stream)
            let error = try #require(try answer(&stream)?.error)
            #expect(error.code == 2 && error.message.contains(reason), "\(error.message)")
        }
        #expect(org.managed[Self.id]?.committed == TopicLog.position(ids[1]))
        try stream.add(.init(numRequested: 5), org: &org, now: 0)
        #expect(try events(&stream) == [undelivered])
    }

    @Test mutating func `commits that come together have one answer, but each failure its own`() throws {
        try publish(3)
        var stream = try open()
        let ids = try events(&stream)
        try commit(ids[0], &stream, name: "a")
        try commit(ids[1], &stream, name: "b")
        try commit(nil, &stream, name: "c")
        try commit(ids[2], &stream, name: "d")
        let told = try (0..<4).map { _ in try answer(&stream)?.id }
        #expect(told == ["b", "c", "d", nil])
        for _ in 0..<300 { try commit(nil, &stream) }
        var answers = 0
        while try answer(&stream) != nil { answers += 1 }
        #expect(answers == ManagedStream.maximumAnswers)
    }

    @Test mutating func `stopping or deleting it ends its stream`() throws {
        var stream = try open()
        try org.perform(.managed(.init(name: Self.name, state: .stop)), now: 0)
        #expect(try next(&stream) == .fail(.managedStopped(Self.name)))
        #expect(throws: PubSubFailure.managedStopped(Self.name)) { try open() }
        try org.perform(.managed(.init(name: Self.name, isDeleted: true)), now: 0)
        #expect(try next(&stream) == .fail(.managedDeleted))
        #expect(throws: PubSubFailure.unknownManagedName(Self.name)) { try open() }
    }

    @Test mutating func `edits of what is not there are refused`() throws {
        for edit in [
            ManagedEdit(name: "New"), ManagedEdit(name: "New", isDeleted: true),
            ManagedEdit(name: "New", topic: "/data/X"),
            ManagedEdit(name: Self.name, topic: "/data/ChangeEvents"),
        ] {
            #expect(throws: EmulatorError.self) { try org.perform(.managed(edit), now: 0) }
        }
        for number in 2...200 {
            try org.perform(.managed(.init(name: "M\(number)", topic: "/data/ChangeEvents")), now: 0)
        }
        #expect(throws: EmulatorError.self) {
            try org.perform(.managed(.init(name: "M201", topic: "/data/ChangeEvents")), now: 0)
        }
    }
}
