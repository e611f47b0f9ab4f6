import Events
import FoundationEssentials
import Glibc
import Relay
import Synchronization
import Testing

@testable import Control

@Suite(.timeLimit(.minutes(15))) struct SilentRelayTests {
    private let place = Place()
    /// Waits for nothing: whoever does not answer at once is silent.
    private static let hasty = ControlPatience(quiet: .milliseconds(1), answer: .milliseconds(1))
    /// Asks all the time whether the relay lives, and waits for that as long as a test takes.
    private static let curious = ControlPatience(quiet: .milliseconds(1), answer: .seconds(600))

    @Test func `a relay that accepts connections and says nothing is given up, with one clear message`() async throws {
        let relay = try Listener(place.socket, queue: 8)
        let error = await failure { () async throws(ControlError) in
            _ = try await ControlClient(place.socket, patience: Self.hasty).answer(route: "status", Array("{}".utf8))
        }
        #expect(error?.kind == .environment)
        let text = """
            cannot get an answer to 'status' at \(place.socket.path): the relay (process \(getpid())) accepts \
            connections there, and has said nothing for 0 s. It hangs, or gets no processor: see its log and the \
            machine, and restart it if it stays so; nothing that is stored is lost.
            """
        #expect(error?.message == text)
        let change = await failure { () async throws(ControlError) in
            _ = try await ControlClient(place.socket, patience: Self.hasty)
                .answer(route: "dlq.drop", Array("{}".utf8), isChange: true)
        }
        #expect(change?.message.hasSuffix("is lost. What was asked may still be done once it goes on.") == true)
        let tap = await failure { () async throws(ControlError) in
            try await ControlClient(place.socket, patience: Self.hasty).lines(of: "tap", EmptyRequest()) { _ in true }
        }
        #expect(tap?.message.contains("'tap'") == true)
        withExtendedLifetime(relay) {}
    }

    @Test func `a relay whose queue of connections is full is given up as well`() async throws {
        let relay = try Listener(place.socket, queue: 0)
        guard case .connected(let waiting, _) = place.socket.connect(within: .seconds(1)) else {
            Issue.record("nobody listens")
            return
        }
        let error = await failure { () async throws(ControlError) in
            _ = try await ControlClient(place.socket, patience: Self.hasty).answer(route: "status", Array("{}".utf8))
        }
        #expect(error?.message.contains("the relay accepts connections there") == true, "\(error?.message ?? "")")
        close(waiting)
        withExtendedLifetime(relay) {}
    }

    @Test func `a quiet stream is waited for as long as the relay lives`() async throws {
        let (lines, line) = AsyncStream.makeStream(of: [UInt8].self)
        let server = try await ControlServer.start(
            place.socket, routes: [Self.ping(times: 3) { line.yield(Array("1".utf8)) }],
            streams: [ControlStream("tap") { _ throws(ControlError) in lines }])
        var got = 0
        try await ControlClient(place.socket, patience: Self.curious).lines(of: "tap", EmptyRequest()) { _ in
            got += 1
            return false
        }
        #expect(got == 1)
        await server.stop()
    }

    @Test func `an answer that takes long is waited for as long as the relay lives`() async throws {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let slow = ControlRoute("slow") { (words: Words) async throws(ControlError) in
            for await _ in ends { break }
            return words
        }
        let server = try await ControlServer.start(place.socket, routes: [slow, Self.ping(times: 3) { end.yield() }])
        let answer: Words = try await ControlClient(place.socket, patience: Self.curious)
            .answer(route: "slow", Words(words: ["at last"]))
        #expect(answer.words == ["at last"])
        await server.stop()
    }

    @Test func `a relay of an earlier version, which cannot say that it lives, lives too`() async throws {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let slow = ControlRoute("slow") { (words: Words) async throws(ControlError) in
            for await _ in ends { break }
            return words
        }
        let server = try await ControlServer.start(place.socket, routes: [slow])
        // The clock sees how often the client became impatient: each time it asked before, and was answered.
        let looks = Atomic<Int>(0)
        let time = TimeSource(
            wall: { 0 }, monotonic: { .zero },
            sleep: { duration in
                guard duration == Self.curious.quiet else { return try await Task.sleep(for: duration) }
                if looks.add(1, ordering: .relaxed).newValue == 4 { end.yield() }
            })
        let answer: Words = try await ControlClient(place.socket, patience: Self.curious, time: time)
            .answer(route: "slow", Words(words: ["at last"]))
        #expect(answer.words == ["at last"] && looks.load(ordering: .relaxed) >= 4)
        await server.stop()
    }

    private func failure(_ body: () async throws(ControlError) -> Void) async -> ControlError? {
        do throws(ControlError) {
            try await body()
            Issue.record("it was answered")
            return nil
        } catch {
            return error
        }
    }

    /// Calls `then` when it is asked so many times.
    private static func ping(times: Int, then: @escaping @Sendable () -> Void) -> ControlRoute {
        let asked = Mutex(0)
        return ControlRoute("ping") { (_: EmptyRequest) async throws(ControlError) in
            let count = asked.withLock { count in
                count += 1
                return count
            }
            if count == times { then() }
            return EmptyRequest()
        }
    }
}

/// Listens as a relay does, and never accepts: what one that is stopped looks like.
private final class Listener: Sendable {
    private let descriptor: Int32

    init(_ socket: ControlSocket, queue: Int32) throws {
        try FileManager.default.createDirectory(atPath: socket.folder, withIntermediateDirectories: true)
        descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(socket.path.utf8) + [0]) }
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(isBound == 0 && listen(descriptor, queue) == 0)
    }

    deinit { close(descriptor) }
}
