import Glibc
import Relay

/// Where the daemon of a store listens: a Unix socket that only the daemon's own user may open, in a folder beside the
/// store that nobody else may even look into.
package struct ControlSocket: Sendable, Equatable {
    /// A closing zero included. `sun_path` would hold 108, but NIO listens at no path of more than 103 bytes.
    static let maximumPathBytes = 104

    package let folder: String
    package var path: String { folder + "/control" }

    package init(storePath: String) { folder = storePath + ".run" }

    /// Makes the folder, and removes the socket that a killed daemon left behind. Only for who holds the store's lock: so
    /// no daemon that lives can be behind it.
    func prepare() throws(ControlError) {
        if mkdir(folder, 0o700) != 0, errno != EEXIST { throw failure("make the folder", folder, errno) }
        var status = stat()
        guard lstat(folder, &status) == 0 else { throw failure("look at", folder, errno) }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
            throw ControlError(
                .environment,
                "cannot use \(folder) for the control socket: it is no folder of this user. Remove it and start again.")
        }
        if status.st_mode & 0o777 != 0o700, chmod(folder, 0o700) != 0 { throw failure("protect", folder, errno) }
        if unlink(path) != 0, errno != ENOENT { throw failure("remove", path, errno) }
    }

    /// After binding. The folder keeps others out in the moment before.
    func protect() throws(ControlError) {
        guard chmod(path, 0o600) == 0 else { throw failure("protect", path, errno) }
    }

    func remove() { unlink(path) }

    /// Calls `body` with a name of the socket that is short enough for the system, wherever the store lies.
    func withAddress<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        if path.utf8.count < Self.maximumPathBytes { return try await body(path) }
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", folder, errno) }
        defer { close(descriptor) }
        return try await body("/proc/self/fd/\(descriptor)/control")
    }

    /// Whether somebody accepts connections, or would if the queue of connections were not full: false also for what a
    /// killed daemon left.
    package var isListening: Bool {
        switch connect(within: ControlPatience.standard.answer) {
        case .connected(let descriptor, _):
            close(descriptor)
            return true
        case .full: return true
        case .nobody: return false
        }
    }

    /// A relay may run there, and this user may not ask it.
    package var isForbidden: Bool { geteuid() != 0 && access(folder, X_OK) != 0 && errno == EACCES }

    enum Connection {
        /// The caller owns the descriptor.
        case connected(Int32, RelayProcess)
        /// Somebody listens, and took no connection in time: as many wait as the system keeps.
        case full
        case nobody
    }

    func connect(within limit: Duration) -> Connection {
        guard path.utf8.count >= Self.maximumPathBytes else { return Self.connect(path, limit) }
        let folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return .nobody }
        defer { close(folder) }
        return Self.connect("/proc/self/fd/\(folder)/control", limit)
    }

    private static func connect(_ path: String, _ limit: Duration) -> Connection {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .nobody }
        // The system waits for room in the queue of connections as long as it may wait to send. Zero would be for ever.
        var wait = timeval(
            tv_sec: Int(limit.components.seconds),
            tv_usec: max(1, Int(limit.components.attoseconds / 1_000_000_000_000)))
        _ = setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { space in
            // The last byte stays zero.
            for (index, byte) in path.utf8.prefix(space.count - 1).enumerated() { space[index] = byte }
        }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            return code == EAGAIN ? .full : .nobody
        }
        return .connected(descriptor, RelayProcess(listeningAt: descriptor))
    }

    private func failure(_ action: String, _ path: String, _ code: Int32) -> ControlError {
        ControlError(
            .environment, "cannot \(action) \(path) for the control socket: \(String(cString: strerror(code))).")
    }
}
