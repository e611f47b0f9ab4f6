import Glibc

/// One of the process's outputs: plain text, and colour where a person looks.
struct Terminal: Sendable {
    static let output = Terminal(descriptor: STDOUT_FILENO)
    static let error = Terminal(descriptor: STDERR_FILENO)

    private let descriptor: Int32
    /// A terminal, and nobody asked for plain text (no-color.org).
    let hasColor: Bool
    let isInteractive: Bool

    private init(descriptor: Int32) {
        self.descriptor = descriptor
        isInteractive = isatty(descriptor) == 1
        let isPlain = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        let isDumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? true
        hasColor = isInteractive && !isPlain && !isDumb
    }

    /// Writes all of it. Ends the process when standard output cannot be written: quietly if its reader has gone
    /// (`sluice tap | head`), with a message if it is full, so that no script takes a torn file for a whole one.
    func write(_ text: String) { write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) {
        // What was logged before stands before it.
        if descriptor == STDERR_FILENO { LogWriter.shared.flush() }
        writeDirectly(bytes)
    }

    func writeDirectly(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                if count < 0, errno == EAGAIN, waitUntilWritable() { continue }
                guard count > 0 else { return failed(errno) }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Somebody who shares the descriptor has made it non-blocking.
    private func waitUntilWritable() -> Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&wanted, 1, -1) >= 0 || errno == EINTR
    }

    private func failed(_ code: Int32) {
        guard descriptor == STDOUT_FILENO else { return }
        if code == EPIPE { Self.leave(0) }
        Self.error.write("sluice: cannot write the output: \(String(cString: strerror(code)).lowercased()).\n")
        Self.leave(CommandFailure.Code.environment.rawValue)
    }

    /// Ends the process without C's exit handlers: OpenSSL's frees what other threads may still be using.
    static func leave(_ code: Int32) -> Never {
        LogWriter.shared.flush()
        fflush(nil)
        _exit(code)
    }

    /// Of the window; nil where nobody looks.
    var size: (rows: Int, columns: Int)? {
        guard isInteractive else { return nil }
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else { return nil }
        return (Int(size.ws_row), Int(size.ws_col))
    }

    enum Style: String { case bold = "1", dim = "2", red = "31", green = "32", yellow = "33", blue = "34", cyan = "36" }

    func styled(_ text: String, _ style: Style) -> String {
        hasColor ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }
}
