import Dispatch
import Glibc

/// A child whose stdin and stdout are a socket that no other child inherits, so that it sees our end.
///
/// Foundation's `Process` does not promise that, and tests start many children at the same time. Blocking calls run on
/// Dispatch's threads: the pool of Swift's tasks has as many threads as the machine has cores.
package final class ChildProcess: Sendable {
    package let id: pid_t
    private let socket: Int32

    package init(_ arguments: [String]) throws {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw ChildError(code: errno) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var words = arguments.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var id: pid_t = 0
        let code = posix_spawnp(&id, arguments[0], &actions, nil, &words, environ)
        close(ends[1])
        guard code == 0 else {
            close(ends[0])
            throw ChildError(code: code)
        }
        self.id = id
        socket = ends[0]
    }

    package struct ChildError: Error {
        var code: Int32
    }

    package func write(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = Glibc.write(socket, bytes, bytes.count)
    }

    /// The next line of stdout; empty at its end.
    package func readLine() async -> String {
        await blocking {
            var bytes: [UInt8] = []
            var byte: UInt8 = 0
            while read(self.socket, &byte, 1) == 1, byte != 0x0A { bytes.append(byte) }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// - Returns: the exit status, or 128 and the signal.
    @discardableResult package func end(signal: Int32 = SIGKILL) async -> Int32 {
        Glibc.kill(id, signal)
        return await exit()
    }

    package func exit() async -> Int32 {
        await blocking {
            var status: Int32 = 0
            while waitpid(self.id, &status, 0) == -1, errno == EINTR {}
            return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        }
    }

    deinit {
        close(socket)
    }

    private func blocking<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: body()) }
        }
    }

    private static let queue = DispatchQueue(label: "child processes", attributes: .concurrent)
}
