import FoundationEssentials
import Glibc

/// The process that listens at a control socket, for messages about it.
struct RelayProcess: CustomStringConvertible {
    /// Nil where it cannot be told: its PID namespace is not ours.
    let id: Int32?

    init(id: Int32?) { self.id = id }

    /// - Parameter descriptor: a socket that is connected to it.
    init(listeningAt descriptor: Int32) {
        // `struct ucred` (process, user, group), which the headers keep from Swift.
        var peer: [Int32] = [0, 0, 0]
        var size = socklen_t(MemoryLayout<Int32>.size * peer.count)
        let isKnown = getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer[0] > 0
        id = isKnown ? peer[0] : nil
    }

    var description: String { id.map { "the relay (process \($0))" } ?? "the relay" }

    /// What to do about it while it does not answer.
    var advice: String {
        if let id, isStopped {
            return "The process is stopped (SIGSTOP, or Ctrl-Z in its terminal): `kill -CONT \(id)` lets it go on."
        }
        return "It hangs, or gets no processor: see its log and the machine, and restart it if it stays so; "
            + "nothing that is stored is lost."
    }

    /// By a signal, or by a debugger.
    private var isStopped: Bool {
        guard let id, let stat = FileManager.default.contents(atPath: "/proc/\(id)/stat") else { return false }
        // `4711 (sluice) T 1 …`: what stands in parentheses may be anything.
        let fields = String(decoding: stat, as: UTF8.self).split(separator: ")").last?.split(separator: " ")
        return fields?.first.map { $0 == "T" || $0 == "t" } ?? false
    }
}
