import Events
import Glibc
import Synchronization
import Testing
import TestSupport

@testable import Relay

@Suite(.timeLimit(.minutes(15))) struct ServiceNotifierTests {
    /// Listens where systemd would.
    private final class Listener: Sendable {
        private let file: Int32

        /// - Parameter name: as in `$NOTIFY_SOCKET`.
        init(_ name: String) {
            file = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            var bytes = Array(name.utf8)
            if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            let length = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)! + bytes.count
            let bound = withUnsafePointer(to: address) { address in
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(file, $0, socklen_t(bytes[0] == 0 ? length : length + 1))
                }
            }
            precondition(bound == 0, String(cString: strerror(errno)))
        }

        deinit { close(file) }

        /// The next datagram; nil when none is there.
        func next() -> String? {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(file, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
        }
    }

    @Test func `systemd is told over its socket`() throws {
        let scratch = Scratch()
        let path = scratch.path + "/notify"
        defer { unlink(path) }
        let listener = Listener(path)
        let notifier = try #require(ServiceNotifier(environment: ["NOTIFY_SOCKET": path]))
        #expect(notifier.send(.ready, .status("2 topics,\n1 rule")))
        #expect(listener.next() == "READY=1\nSTATUS=2 topics, 1 rule")
        #expect(notifier.send(.stopping, .extendTimeout(.seconds(20))))
        #expect(listener.next() == "STOPPING=1\nEXTEND_TIMEOUT_USEC=20000000")
        #expect(notifier.watchdog == nil)
    }

    @Test func `the abstract namespace works too`() throws {
        let name = "@sluice-test-\(UInt64.random(in: 0 ... .max))"
        let listener = Listener(name)
        let notifier = try #require(ServiceNotifier(environment: ["NOTIFY_SOCKET": name]))
        #expect(notifier.send(.watchdog))
        #expect(listener.next() == "WATCHDOG=1")
    }

    @Test func `without systemd there is nobody to tell, and a socket that is gone does no harm`() throws {
        #expect(ServiceNotifier(environment: [:]) == nil)
        #expect(ServiceNotifier(environment: ["NOTIFY_SOCKET": "relative"]) == nil)
        #expect(ServiceNotifier(environment: ["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 200)]) == nil)
        let gone = try #require(ServiceNotifier(environment: ["NOTIFY_SOCKET": "/nonexistent/notify"]))
        #expect(!gone.send(.ready))
    }

    @Test func `the watchdog is for the process that it names`() throws {
        var environment = ["NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "77"]
        #expect(ServiceNotifier(environment: environment, processID: 77)?.watchdog == .seconds(30))
        #expect(ServiceNotifier(environment: environment, processID: 78)?.watchdog == nil)
        environment["WATCHDOG_PID"] = nil
        #expect(ServiceNotifier(environment: environment, processID: 78)?.watchdog == .seconds(30))
    }

    @Test func `signs of life stop when the relay does not answer`() async throws {
        let name = "@sluice-test-\(UInt64.random(in: 0 ... .max))"
        let listener = Listener(name)
        let notifier = try #require(
            ServiceNotifier(environment: ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000"]))
        let time = ManualTime()
        let isAlive = Mutex(true)
        let asked = Mutex(0)
        let task = Task {
            await notifier.keepAlive(time.source) {
                asked.withLock { $0 += 1 }
                return isAlive.withLock { $0 }
            }
        }
        while time.slept.count < 1 { await Task.yield() }
        #expect(listener.next() == "WATCHDOG=1")
        #expect(time.slept == [.seconds(10)])
        isAlive.withLock { $0 = false }
        time.advance(by: .seconds(10))
        while time.slept.count < 2 { await Task.yield() }
        #expect(asked.withLock { $0 } == 2)
        #expect(listener.next() == nil)
        task.cancel()
        await task.value
    }
}
