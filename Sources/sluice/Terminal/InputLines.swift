import Glibc

/// Lines of standard input. A line above `maximumBytes` is cut there; its rest is skipped.
struct InputLines {
    static let maximumBytes = 64 << 20

    private var buffer: [UInt8] = []
    private var start = 0
    /// No line feed before this.
    private var searched = 0
    private var isAtEnd = false
    private var isSkipping = false

    /// Whether `next` can answer without waiting for input.
    var hasBufferedLine: Bool { buffer[searched...].contains(UInt8(ascii: "\n")) }

    /// Without its line feed; nil at the end of input.
    mutating func next() -> [UInt8]? {
        while true {
            if isSkipping { skip() } else if let line = buffered() { return line }
            if isAtEnd { return rest() }
            read()
        }
    }

    private mutating func buffered() -> [UInt8]? {
        guard let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
            searched = buffer.count
            guard buffer.count - start > Self.maximumBytes else { return nil }
            defer {
                start = buffer.count
                isSkipping = true
            }
            return Array(buffer[start..<(start + Self.maximumBytes)])
        }
        defer {
            start = end + 1
            searched = start
        }
        return Array(buffer[start..<end])
    }

    /// Drops what is buffered of a line that was cut, up to and including its line feed.
    private mutating func skip() {
        let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n"))
        start = end.map { $0 + 1 } ?? buffer.count
        searched = start
        isSkipping = end == nil
    }

    private mutating func rest() -> [UInt8]? {
        defer {
            start = buffer.count
            searched = start
        }
        return start < buffer.count && !isSkipping ? Array(buffer[start...]) : nil
    }

    private mutating func read() {
        buffer.removeFirst(start)
        searched -= start
        start = 0
        let chunk = 1 << 16
        let count = withUnsafeTemporaryAllocation(byteCount: chunk, alignment: 1) { space in
            var count: Int
            repeat { count = Glibc.read(STDIN_FILENO, space.baseAddress, chunk) } while count < 0 && errno == EINTR
            if count > 0 { buffer.append(contentsOf: UnsafeRawBufferPointer(rebasing: space[..<count])) }
            return count
        }
        if count <= 0 { isAtEnd = true }
    }
}
