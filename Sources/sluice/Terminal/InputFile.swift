import Glibc

/// A file that an operator names, or standard input for `-`, of bounded size.
enum InputFile {
    /// - Parameter advice: what to do with a longer one.
    static func read(_ path: String, maximumBytes: Int, advice: String) throws -> [UInt8] {
        let isInput = path == "-"
        let name = isInput ? "standard input" : path
        let descriptor = isInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(name) }
        defer { if !isInput { close(descriptor) } }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= maximumBytes {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(name) }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
        throw CommandFailure(.badInput, "\(name) has more than \(maximumBytes >> 20) MiB. \(advice)")
    }

    private static func failure(_ name: String) -> CommandFailure {
        CommandFailure(.badInput, "cannot read \(name): \(String(cString: strerror(errno)).lowercased()).")
    }
}
