import Events
import Store
import Testing
import Synchronization

@testable import Relay

@Suite(.timeLimit(.minutes(15))) struct CursorRoutesTests {
    private func move(_ target: CursorTarget) -> CursorMoveRequest {
        CursorMoveRequest(org: nil, topic: "ChangeEvents", target: target)
    }

    @Test func `it says what comes again before it moves, and then it is there`() async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<30)
        let request = move(.replayID(Make.replayID(19).description))
        let preview: CursorMove = try await bench.ask("cursor.preview", request)
        #expect(preview.effect == .repeats && preview.repeated == 10)
        #expect(preview.statement.contains("10 events committed after"))
        #expect(try await bench.bench.storedCursor() == 29, "looking moves nothing")
        let moved: CursorMoved = try await bench.ask("cursor.set", request)
        #expect(moved.isLive == false)
        let cursor = try #require(try await bench.store.cursor(Make.key))
        #expect(Make.number(cursor.replayID) == 19 && cursor.commitTime == ReplayEvents.time(19))
        #expect(try await bench.store.statements().map(\.kind) == [LossStatement.moved])
    }

    @Test(arguments: [1, 3, 7, 30]) func `what an earlier move repeated is counted once`(size: Int) async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<30)
        func repeated(_ number: Int) async throws -> Int? {
            try await bench.ask(
                "cursor.preview", move(.replayID(Make.replayID(number).description)), as: CursorMove.self
            ).repeated
        }
        let back = move(.replayID(Make.replayID(19).description))
        _ = try await bench.ask("cursor.set", back, as: CursorMoved.self)
        #expect(try await repeated(19) == 10, "the cursor stands there, and nothing came again yet")
        // A part comes again, then the rest, in other responses than before.
        try await bench.live(20..<23, size: size)
        for number in [15, 19, 21, 22, 24, 28] { #expect(try await repeated(number) == 29 - number) }
        try await bench.live(23..<30, size: size)
        _ = try await bench.ask("cursor.set", back, as: CursorMoved.self)
        try await bench.live(20..<32, size: size)
        for number in [15, 19, 21, 22, 24, 30] { #expect(try await repeated(number) == 31 - number) }
        #expect(try await repeated(31) == nil)
    }

    @Test func `nothing, a time, an unknown event and no cursor are told apart`() async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<30)
        func preview(_ target: CursorTarget) async throws -> CursorMove {
            try await bench.ask("cursor.preview", move(target))
        }
        #expect(try await preview(.replayID(Make.replayID(29).description)).effect == .nothing)
        let timed = try await preview(.time(ReplayEvents.time(24)))
        #expect(timed.to == Make.replayID(23).description && timed.repeated == 6)
        #expect(try await preview(.replayID(Make.replayID(7_777).description)).effect == .unknown)
        let unset = try await preview(.unset)
        #expect(unset.effect == .skips && unset.to == nil)
        await #expect(throws: ControlError.self) { try await preview(.time(ReplayEvents.time(0))) }
    }

    @Test func `a move to where nobody knows keeps the time until which everything was relayed`() async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<30)
        let before = try #require(try await bench.store.cursor(Make.key))
        let preview: CursorMove = try await bench.ask("cursor.preview", move(.replayID(Make.replayID(7_777).description)))
        let time = before.commitTime ?? before.updatedAt
        #expect(preview.skipsSince == time && preview.cursor(now: time + 1_000_000)?.updatedAt == time)
        let back: CursorMove = try await bench.ask("cursor.preview", move(.replayID(Make.replayID(3).description)))
        #expect(back.skipsSince == nil)
    }

    @Test func `saved, exported and imported cursors come back`() async throws {
        let bench = try await ReplayBench()
        try await bench.live(0..<10)
        _ = try await bench.ask("cursor.save", CursorSaveRequest(name: "ten"), as: CursorSaved.self)
        let document: CursorDocument = try await bench.ask("cursor.export", CursorListRequest())
        try await bench.live(10..<20)
        #expect(try await bench.ask("cursor.preview", move(.cursor("ten")), as: CursorMove.self).repeated == 10)
        let moved: [CursorMoved] = try await bench.ask("cursor.import", document)
        #expect(moved.map(\.move.repeated) == [10])
        #expect(try await bench.bench.storedCursor() == 9)
        var foreign = document
        foreign.cursors[0].orgId = "00D000000000009AAA"
        let other = foreign
        await #expect(throws: ControlError.self) { try await bench.ask("cursor.import", other, as: [CursorMoved].self) }
        _ = try await bench.ask("cursor.forget", CursorSaveRequest(name: "ten"), as: CursorSaved.self)
        let list: CursorList = try await bench.ask("cursor.list", CursorListRequest())
        #expect(list.saved.isEmpty && list.cursors.count == 1)
    }

    @Test func `a running stream is stopped for the move, and goes on from what is stored then`() async throws {
        let topics = TopicSwitch()
        let runs = Mutex<[String]>([])
        let running = Task {
            await topics.run(Make.key) {
                runs.withLock { $0.append("stream") }
                while !Task.isCancelled { await Task.yield() }
            }
        }
        while runs.withLock({ $0.isEmpty }) { await Task.yield() }
        let goesOn = await topics.move(Make.key) { runs.withLock { $0.append("move") } }
        #expect(goesOn)
        while runs.withLock({ $0.count }) < 3 { await Task.yield() }
        #expect(runs.withLock { $0 } == ["stream", "move", "stream"])
        running.cancel()
        await running.value
        #expect(await topics.move(Make.key) {} == false)
    }

    @Test func `of two who move a cursor at once the second has his turn, and the stream goes on from there`() async throws {
        let topics = TopicSwitch()
        let place = StoredPlace()
        let running = Task {
            await topics.run(Make.key) {
                place.state.withLock { $0.log.append("stream from \($0.position)") }
                while !Task.isCancelled { await Task.yield() }
            }
        }
        while place.state.withLock({ $0.log.isEmpty }) { await Task.yield() }
        let (isUnderWay, begins) = AsyncStream<Void>.makeStream()
        let second = Task {
            for await _ in isUnderWay { break }
            return await topics.move(Make.key) { @Sendable () async -> Void in
                // As a flush that waits for a commit.
                for _ in 0..<1_000 { await Task.yield() }
                place.state.withLock { $0.position = "two" }
            }
        }
        let goesOn = await topics.move(Make.key) { @Sendable () async -> Void in
            begins.yield()
            for _ in 0..<1_000 { await Task.yield() }
            place.state.withLock { $0.position = "one" }
        }
        #expect(goesOn)
        #expect(await second.value)
        while place.state.withLock({ $0.log.count }) < 2 { await Task.yield() }
        #expect(place.state.withLock { $0.log } == ["stream from start", "stream from two"])
        running.cancel()
        await running.value
    }
}

/// Where a stream begins, and what happened.
private final class StoredPlace: Sendable {
    let state = Mutex<(position: String, log: [String])>(("start", []))
}
