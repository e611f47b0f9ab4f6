import FoundationEssentials
import Glibc

/// What this process takes, as the system counts it.
enum ProcessMemory {
    /// Nil where /proc does not tell.
    static var residentBytes: Int? {
        guard let data = FileManager.default.contents(atPath: "/proc/self/statm") else { return nil }
        let pages = String(decoding: data, as: UTF8.self).split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return pages.map { $0 * sysconf(Int32(_SC_PAGESIZE)) }
    }
}
