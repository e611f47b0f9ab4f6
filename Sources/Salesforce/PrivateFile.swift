import Glibc

/// Small files that only their owner may read.
enum PrivateFile {
    /// - Returns: nil if there is none.
    static func read(_ path: String, maximumBytes: Int) throws(SetupError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw failure("read", path) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: maximumBytes + 1)
        var length = 0
        while length < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                repeating { Glibc.read(descriptor, buffer.baseAddress! + length, buffer.count - length) }
            }
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { return Array(bytes[..<length]) }
            length += count
        }
        throw SetupError("\(path) is larger than \(maximumBytes) bytes", fix: "Is it the right file?")
    }

    /// Another file takes its place: whoever reads, or dies meanwhile, has the old content or the new one.
    static func replace(_ path: String, with bytes: [UInt8]) throws(SetupError) {
        let temporary = "\(path).\(getpid()).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("write", temporary) }
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                repeating { Glibc.write(descriptor, buffer.baseAddress! + offset, buffer.count - offset) }
            }
            guard count > 0 else { break }
            offset += count
        }
        let isWritten = offset == bytes.count && fsync(descriptor) == 0
        let error = errno
        close(descriptor)
        guard isWritten, rename(temporary, path) == 0 else {
            errno = isWritten ? errno : error
            defer { unlink(temporary) }
            throw failure("write", path)
        }
        syncFolder(of: path)
    }

    private static func syncFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    static func reason() -> String { String(cString: strerror(errno)).lowercased() }

    private static func failure(_ verb: String, _ path: String) -> SetupError {
        SetupError("cannot \(verb) \(path): \(reason())", fix: "Check the folder, its owner and the space on the disk.")
    }

    private static func repeating(_ call: () -> Int) -> Int {
        var count: Int
        repeat { count = call() } while count < 0 && errno == EINTR
        return count
    }
}
