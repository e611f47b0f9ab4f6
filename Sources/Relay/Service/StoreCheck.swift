import Events
import Glibc
import Store

/// What `doctor` finds out about the store and its disk.
package struct StoreCheck: Sendable {
    /// Below these, somebody should know, and somebody must.
    static let lowBytes: Int64 = 2 << 30
    static let leastBytes: Int64 = 256 << 20

    private let path: String
    private let isAnswering: Bool

    /// - Parameter isAnswering: a relay listens at the store's control socket, so one runs.
    package init(path: String, isAnswering: Bool) {
        self.path = path
        self.isAnswering = isAnswering
    }

    package func run() async -> [CheckResult] {
        var results = [disk()]
        guard access(path, F_OK) == 0 else {
            results.append(CheckResult(.ok, "store", "\(path) is made by the first `sluice run`"))
            return results
        }
        do throws(StoreError) {
            let store = try Store(readingPath: path)
            let held = try await store.heldCounts().reduce(0) { $0 + $1.records }
            let dead = try await store.deadLetterCounts().values.reduce(0, +)
            let quarantined = try await store.quarantineCount()
            var text = store.writer.map { "in use by \($0)" }
                ?? (isAnswering ? "in use by a relay" : "no relay is running")
            if held > 0 { text += "; \(held) records wait to be read after gap events" }
            results.append(CheckResult(.ok, "store", text))
            if dead > 0 {
                results.append(
                    CheckResult(
                        .warning, "dead letters", "\(dead) deliveries were given up",
                        advice: "`sluice dlq list` says why; `sluice dlq retry` sends them again."))
            }
            if quarantined > 0 {
                results.append(
                    CheckResult(
                        .warning, "quarantine", "\(quarantined) events could not be decoded",
                        advice: "`sluice dlq list --quarantine` says why."))
            }
            try store.close()
        } catch {
            results.append(CheckResult(.failure, "store", "\(error)"))
        }
        return results
    }

    private func disk() -> CheckResult {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        var facts = statvfs()
        guard statvfs(folder.isEmpty ? "/" : folder, &facts) == 0 else {
            return CheckResult(
                .failure, "disk", "cannot look at \(folder): \(String(cString: strerror(errno)))",
                advice: "Make the folder of store.path, writable for the relay's user.")
        }
        guard access(folder.isEmpty ? "/" : folder, W_OK) == 0 else {
            return CheckResult(
                .failure, "disk", "\(folder) cannot be written by this user", advice: "Change its owner or mode.")
        }
        let free = Int64(facts.f_bavail) * Int64(facts.f_frsize)
        let text = "\(free >> 20) MiB free for \(path)"
        if free < Self.leastBytes {
            return CheckResult(
                .failure, "disk", text, advice: "Free space: when it is full, the streams are held back.")
        }
        if free < Self.lowBytes { return CheckResult(.warning, "disk", text, advice: "Free space before it is full.") }
        return CheckResult(.ok, "disk", text)
    }
}
