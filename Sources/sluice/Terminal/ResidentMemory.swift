import FoundationEssentials
import Glibc

/// Gives back what only the start needed.
enum ResidentMemory {
    /// Drops the pages of machine code from this process. What is used from now on comes back from the page cache; what
    /// reading configuration and opening the store took, and nobody uses again, does not: about half of the resident size.
    static func trimAfterStart() {
        guard let maps = FileManager.default.contents(atPath: "/proc/self/maps") else { return }
        for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ", omittingEmptySubsequences: true)
            // Only code that is mapped from a file and never written: everything else would lose its contents.
            guard parts.count >= 6, parts[1] == "r-xp", parts[5].hasPrefix("/"),
                let range = addresses(parts[0])
            else { continue }
            madvise(range.start, range.length, MADV_DONTNEED)
        }
    }

    private static func addresses(_ text: Substring) -> (start: UnsafeMutableRawPointer?, length: Int)? {
        let ends = text.split(separator: "-").compactMap { UInt($0, radix: 16) }
        guard ends.count == 2, ends[1] > ends[0] else { return nil }
        return (UnsafeMutableRawPointer(bitPattern: ends[0]), Int(ends[1] - ends[0]))
    }
}
