import Control
import FoundationEssentials
import Glibc
import Relay
import Testing

@Suite(.timeLimit(.minutes(15))) struct ControlSocketTests {
    private let place = Place()

    @Test func `a route is asked over the socket, and its errors come back as they were thrown`() async throws {
        let server = try await ControlServer.start(place.socket, routes: [Self.echo, Self.refusing])
        let client = ControlClient(place.socket)
        #expect(client.isListening)
        let answer: Words = try await client.answer(route: "echo", Words(words: ["a", "ä", "\n"]))
        #expect(answer.words == ["a", "ä", "\n"])
        await #expect(throws: ControlError.self) { try await client.answer(route: "refuse", Array("{}".utf8)) }
        do throws(ControlError) {
            _ = try await client.answer(route: "refuse", Array("{}".utf8))
        } catch {
            #expect(error.kind == .environment && error.message == "not today")
        }
        await server.stop()
        #expect(!client.isListening)
    }

    @Test func `a route that the daemon does not know, and a request that it cannot read, are said to be that`()
        async throws
    {
        let server = try await ControlServer.start(place.socket, routes: [Self.echo])
        let client = ControlClient(place.socket)
        for (route, body, text) in [("nothing", "{}", "older version"), ("echo", "[]", "this version")] {
            do throws(ControlError) {
                _ = try await client.answer(route: route, Array(body.utf8))
                Issue.record("\(route) was answered")
            } catch {
                #expect(error.message.contains(text), "\(error)")
            }
        }
        await server.stop()
    }

    @Test func `only its own user may open the socket`() async throws {
        let server = try await ControlServer.start(place.socket, routes: [])
        #expect(Place.mode(place.socket.folder) == 0o700)
        #expect(Place.mode(place.socket.path) == 0o600)
        await server.stop()
        #expect(access(place.socket.path, F_OK) != 0, "a stopped daemon leaves no socket behind")
    }

    @Test func `the socket of a killed daemon is replaced`() async throws {
        try FileManager.default.createDirectory(
            atPath: place.socket.folder, withIntermediateDirectories: true, attributes: nil)
        Place.bindAndForget(place.socket.path)
        #expect(access(place.socket.path, F_OK) == 0 && !place.socket.isListening)
        let server = try await ControlServer.start(place.socket, routes: [Self.echo])
        let answer: Words = try await ControlClient(place.socket).answer(route: "echo", Words(words: ["x"]))
        #expect(answer.words == ["x"])
        #expect(Place.mode(place.socket.folder) == 0o700, "a folder that was open to others is closed")
        await server.stop()
    }

    @Test func `a store in a deep folder has a socket too`() async throws {
        let deep = place.path + "/" + (0..<12).map { "folder-with-a-long-name-\($0)" }.joined(separator: "/")
        try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
        let socket = ControlSocket(storePath: deep + "/sluice.db")
        let server = try await ControlServer.start(socket, routes: [Self.echo])
        let answer: Words = try await ControlClient(socket).answer(route: "echo", Words(words: ["deep"]))
        #expect(answer.words == ["deep"])
        #expect(Place.mode(socket.path) == 0o600)
        await server.stop()
    }

    @Test(arguments: 102...109)
    func `a path about as long as the system takes has a socket too`(length: Int) async throws {
        let rest = length - place.path.utf8.count - "//s.db.run/control".utf8.count
        let folder = place.path + "/" + String(repeating: "x", count: max(1, rest))
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let socket = ControlSocket(storePath: folder + "/s.db")
        #expect(rest < 1 || socket.path.utf8.count == length)
        let server = try await ControlServer.start(socket, routes: [Self.echo])
        let answer: Words = try await ControlClient(socket).answer(route: "echo", Words(words: ["near"]))
        #expect(answer.words == ["near"])
        await server.stop()
    }

    @Test func `nobody at the socket is an error of the environment`() async throws {
        do throws(ControlError) {
            _ = try await ControlClient(place.socket).answer(route: "echo", [])
            Issue.record("somebody answered")
        } catch {
            #expect(error.kind == .environment)
        }
    }

    @Test func `many ask at the same time, more than the server takes at once`() async throws {
        let server = try await ControlServer.start(place.socket, routes: [Self.echo])
        let client = ControlClient(place.socket)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<100 {
                group.addTask {
                    let answer: Words = try await client.answer(route: "echo", Words(words: ["\(number)"]))
                    return answer.words == ["\(number)"]
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        await server.stop()
    }

    @Test func `a request above the limit is refused`() async throws {
        let server = try await ControlServer.start(place.socket, routes: [Self.echo])
        do throws(ControlError) {
            _ = try await ControlClient(place.socket).answer(
                route: "echo", [UInt8](repeating: UInt8(ascii: "x"), count: (16 << 20) + 1))
            Issue.record("it was taken")
        } catch {
            #expect(error.kind == .badInput || error.kind == .environment, "\(error)")
        }
        await server.stop()
    }

    // MARK: Routes

    private static let echo = ControlRoute("echo") { (words: Words) async throws(ControlError) -> Words in words }

    private static let refusing = ControlRoute("refuse") { _ throws(ControlError) in
        throw ControlError(.environment, "not today")
    }
}

struct Words: Codable, Sendable {
    var words: [String]
}

/// A folder for a store that goes away with the test.
final class Place: Sendable {
    let path: String
    var socket: ControlSocket { ControlSocket(storePath: path + "/sluice.db") }

    init() {
        path = FileManager.default.temporaryDirectory.path + "/sluice-control-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    static func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    /// A socket file that nobody listens at, as `kill -9` leaves it.
    static func bindAndForget(_ path: String) {
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8) + [0]) }
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
