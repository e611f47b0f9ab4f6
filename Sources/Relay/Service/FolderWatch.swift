import Dispatch
import FoundationEssentials
import Glibc
import Rules
import Synchronization

/// Tells that something below some paths may have changed (inotify). Files that are replaced by renaming, folders that
/// come and go, and links that are turned elsewhere count as well as writing.
package final class FolderWatch: Sendable {
    /// Folders below one path; more are not watched, and a reload by hand sees them.
    static let maximumFolders = 2_000

    private static let content =
        IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF
        | IN_MOVE_SELF
    /// Of the folder that a watched path lies in: only whether the path itself comes or goes.
    private static let names = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO

    /// Which names inside a folder matter; nil is all.
    private struct Interest {
        var names: Set<String>?
    }

    /// One element for one or many changes.
    package let changes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let descriptor: Int32
    private let paths: [String]
    private let count = Atomic<Int>(0)
    private let interests = Mutex<[Int32: Interest]>([:])
    /// Safe to share: a dispatch source locks inside, and it is set once, before anybody else has this object.
    nonisolated(unsafe) private let source: any DispatchSourceRead

    /// - Throws: `WatchProblem` if the system gives no watches.
    package init(_ paths: [String]) throws(WatchProblem) {
        self.paths = paths
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0 else { throw WatchProblem(path: paths.first ?? "", code: errno) }
        (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let descriptor = descriptor
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: DispatchQueue(label: "rule files"))
        source.setCancelHandler { close(descriptor) }
        source.setEventHandler { [weak self] in self?.read() }
        source.resume()
        do throws(WatchProblem) { try refresh() } catch {
            source.cancel()
            throw error
        }
    }

    deinit {
        source.cancel()
        continuation.finish()
    }

    /// Changes so far; several that came together may count as one.
    var changeCount: Int { count.load(ordering: .relaxed) }

    /// Watches folders that are new. Called after every change.
    package func refresh() throws(WatchProblem) {
        for path in paths {
            let (folder, name) = Self.split(path)
            try? watch(folder, mask: UInt32(Self.names), only: name)
            guard FolderTree.isFolder(path) else {
                try watch(folder, mask: UInt32(Self.content), only: name)
                continue
            }
            try watch(path, mask: UInt32(Self.content), only: nil)
            let below = FolderTree.listablePaths(below: path).lazy.map { "\(path)/\($0)" }
                .filter(FolderTree.isFolder)
            for folder in below.prefix(Self.maximumFolders) {
                // One that nobody may list is told of by the folder above, when that changes.
                guard access(folder, R_OK) == 0 else { continue }
                try watch(folder, mask: UInt32(Self.content), only: nil)
            }
        }
    }

    private func watch(_ path: String, mask: UInt32, only name: String?) throws(WatchProblem) {
        let id = inotify_add_watch(descriptor, path, mask | UInt32(IN_MASK_ADD) | UInt32(IN_ONLYDIR))
        guard id >= 0 else {
            // Gone meanwhile: the folder above tells when it is back.
            if errno == ENOENT || errno == ENOTDIR { return }
            throw WatchProblem(path: path, code: errno)
        }
        interests.withLock { interests in
            guard let name else { return interests[id] = Interest(names: nil) }
            if var known = interests[id] {
                known.names?.insert(name)
                interests[id] = known
            } else {
                interests[id] = Interest(names: [name])
            }
        }
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        var isChange = false
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            isChange = concerns(buffer[..<count]) || isChange
        }
        guard isChange else { return }
        count.add(1, ordering: .relaxed)
        continuation.yield()
    }

    /// Whether one of the `inotify_event`s in the bytes matters: watch, mask, cookie, length of the name, name.
    private func concerns(_ bytes: ArraySlice<UInt8>) -> Bool {
        var isChange = false
        bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset + 16 <= buffer.count {
                let id = buffer.loadUnaligned(fromByteOffset: offset, as: Int32.self)
                let mask = buffer.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
                let length = Int(buffer.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
                let end = min(offset + 16 + length, buffer.count)
                let name = String(decoding: buffer[(offset + 16)..<end].prefix { $0 != 0 }, as: UTF8.self)
                isChange = concerns(id, mask, name) || isChange
                offset = end
            }
        }
        return isChange
    }

    private func concerns(_ id: Int32, _ mask: UInt32, _ name: String) -> Bool {
        // Some were lost: anything may have changed.
        if mask & UInt32(IN_Q_OVERFLOW) != 0 { return true }
        return interests.withLock { interests in
            if mask & UInt32(IN_IGNORED) != 0 {
                interests[id] = nil
                return true
            }
            guard let names = interests[id]?.names else { return true }
            return names.contains(name)
        }
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        var path = Substring(path)
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        guard let slash = path.lastIndex(of: "/") else { return (".", String(path)) }
        return (slash == path.startIndex ? "/" : String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

}

/// Changes of files cannot be seen.
package struct WatchProblem: Error, Sendable, CustomStringConvertible {
    package var path: String
    package var code: Int32

    package var description: String {
        let advice =
            code == ENOSPC || code == EMFILE ? " Raise fs.inotify.max_user_watches or max_user_instances." : ""
        return "cannot watch \(path) for changes: \(String(cString: strerror(code))).\(advice)"
    }
}
