import Events
import Glibc

/// The right to write to a store: an exclusive `flock` on `<store>.lock`, which the system releases when its process
/// ends, however it ends. The file itself stays, and tells a second process who is first.
///
/// Whether somebody holds a `flock` can only be found out by taking it. So its holder also locks the file's bytes through
/// the same descriptor: that can be asked for (`F_OFD_GETLK`) without taking anything, in any PID namespace.
final class StoreLock: Sendable {
    /// `F_OFD_GETLK` and `F_OFD_SETLK`, which the headers keep from Swift.
    private static let (getLock, setLock): (Int32, Int32) = (36, 37)

    private let descriptor: Int32

    /// - Parameter command: how the message for a second process names this one: `sluice run`.
    init(storePath: String, command: String, wall: Int64) throws(StoreError) {
        let path = storePath + ".lock"
        // Not fcntl(F_SETLK): its locks vanish as soon as any descriptor of the file is closed in this process.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("create its lock file", path, errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let holder = Self.holder(descriptor)
            close(descriptor)
            guard code == EWOULDBLOCK else { throw Self.failure("lock", path, code) }
            throw StoreError(
                kind: .inUse, action: "open the store", path: storePath, reason: "it is in use by \(holder)")
        }
        // Being seen is a courtesy, so a file system without such locks must not stop us here.
        _ = Self.bytes(Self.setLock, F_WRLCK, descriptor)
        self.descriptor = descriptor
        write(command: command, wall: wall)
    }

    deinit {
        // A process that is being started beside has the descriptor too, for a moment, and with it the lock.
        release()
        close(descriptor)
    }

    func release() {
        _ = Self.bytes(Self.setLock, F_UNLCK, descriptor)
        _ = flock(descriptor, LOCK_UN)
    }

    /// Who holds it: this process.
    var holder: String { Self.holder(descriptor) }

    /// Who may write to a store at the moment, in words; nil if nobody does. Takes no lock, not even for a moment: a
    /// relay that starts just then must not be refused.
    static func holder(ofStore path: String) -> String? {
        let descriptor = open(path + ".lock", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard let found = bytes(getLock, F_WRLCK, descriptor), found.l_type != Int16(F_UNLCK) else { return nil }
        return holder(descriptor)
    }

    /// Locks or unlocks all bytes of the file, or asks who has; nil if the system refuses.
    private static func bytes(_ command: Int32, _ type: Int32, _ descriptor: Int32) -> flock? {
        // `l_pid` has to be zero, and a length of zero is the whole file.
        var lock = Glibc.flock()
        lock.l_type = Int16(type)
        lock.l_whence = Int16(SEEK_SET)
        return fcntl(descriptor, command, &lock) == 0 ? lock : nil
    }

    private func write(command: String, wall: Int64) {
        let lines = [
            "pid \(getpid())", "host \(Self.hostName())", "command \(command.prefix(200))",
            "since \(Timestamp.rfc3339(wall / 1000 * 1000))",
        ]
        let text = [UInt8]((lines.joined(separator: "\n") + "\n").utf8)
        // Who is first is a courtesy; the lock does not depend on it, so a full disk must not stop us here.
        guard ftruncate(descriptor, 0) == 0 else { return }
        _ = pwrite(descriptor, text, text.count, 0)
    }

    /// `process 4711 (sluice run, host relay-1, since 2026-11-22T03:00:30Z)`
    private static func holder(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = max(0, pread(descriptor, &buffer, buffer.count, 0))
        var fields: [Substring: Substring] = [:]
        for line in String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n") {
            guard let space = line.firstIndex(of: " ") else { continue }
            fields[line[..<space]] = line[line.index(after: space)...]
        }
        guard let pid = fields["pid"] else { return "another process" }
        let command = fields["command"].map { "\($0), " } ?? ""
        return "process \(pid) (\(command)host \(fields["host"] ?? "unknown"), since \(fields["since"] ?? "unknown"))"
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func failure(_ action: String, _ path: String, _ code: Int32) -> StoreError {
        let kind: StoreError.Kind =
            switch code {
            case ENOSPC, EDQUOT: .diskFull
            case EROFS: .readOnly
            case EIO: .inputOutput
            default: .cannotOpen
            }
        return StoreError(kind: kind, action: action, path: path, reason: String(cString: strerror(code)))
    }
}
