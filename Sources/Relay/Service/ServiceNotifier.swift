import Events
import Glibc

/// Tells systemd how this process is: that it is ready, that it stops, and, for the watchdog, that it lives.
///
/// Datagrams to the socket that systemd names in `$NOTIFY_SOCKET`. Source: sd_notify(3), sd_watchdog_enabled(3).
package struct ServiceNotifier: Sendable {
    package enum Message: Sendable, Equatable {
        case ready
        case stopping
        /// A line for `systemctl status`.
        case status(String)
        case watchdog
        /// Starting or stopping takes longer: so much from now on.
        case extendTimeout(Duration)

        var text: String {
            switch self {
            case .ready: "READY=1"
            case .stopping: "STOPPING=1"
            case .status(let line): "STATUS=" + line.split(whereSeparator: \.isNewline).joined(separator: " ")
            case .watchdog: "WATCHDOG=1"
            case .extendTimeout(let duration): "EXTEND_TIMEOUT_USEC=\(duration.milliseconds * 1000)"
            }
        }
    }

    private let address: sockaddr_un
    private let addressLength: socklen_t
    /// A sign of life is expected this often; nil when systemd watches for none.
    package let watchdog: Duration?

    /// - Returns: nil when nobody wants to be told, as without systemd.
    package init?(environment: [String: String], processID: Int32 = getpid()) {
        guard let (address, length) = Self.address(environment["NOTIFY_SOCKET"] ?? "") else { return nil }
        self.address = address
        addressLength = length
        let isMeant = environment["WATCHDOG_PID"].map { $0 == "\(processID)" } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        watchdog = isMeant && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// - Returns: whether it could be sent. It never waits, and nothing depends on it.
    @discardableResult
    package func send(_ messages: Message...) -> Bool {
        let file = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0)
        guard file >= 0 else { return false }
        defer { close(file) }
        let bytes = Array(messages.map(\.text).joined(separator: "\n").utf8)
        let sent = withUnsafePointer(to: address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(file, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, addressLength)
            }
        }
        return sent == bytes.count
    }

    /// Gives the watchdog its signs of life until the task is cancelled. Returns at once when none are expected.
    ///
    /// - Parameter isAlive: asks the relay something that only a relay at work can answer. While that takes, or is no,
    ///   nothing is sent, and systemd restarts the process in the end.
    package func keepAlive(_ time: TimeSource, isAlive: @Sendable () async -> Bool) async {
        guard let watchdog else { return }
        repeat {
            if await isAlive() { send(.watchdog) }
        } while (try? await time.sleep(watchdog / 3)) != nil
    }

    /// `/run/…`, or `@…` in the abstract namespace.
    private static func address(_ text: String) -> (sockaddr_un, socklen_t)? {
        var bytes = Array(text.utf8)
        guard bytes.count > 1, bytes[0] == UInt8(ascii: "/") || bytes[0] == UInt8(ascii: "@") else { return nil }
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        var address = sockaddr_un()
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)! + bytes.count
        return (address, socklen_t(bytes[0] == 0 ? length : length + 1))
    }
}
