internal import CCurl

/// Where libcurl's callbacks put the answer. They run inside libcurl, on the I/O thread, only collect, and
/// stop the transfer at a limit.
final class ResponseCollector {
    static let maximumHeaderBytes = 256 << 10

    private var head: [UInt8] = []
    private var body: [UInt8] = []
    private var maximumBodyBytes = 0
    private(set) var status = 0
    private(set) var headersAreComplete = false
    private(set) var headersTooLong = false
    /// The body is longer than asked for; the rest was left unread.
    private(set) var stoppedAtLimit = false

    var bodyBytes: Int { body.count }

    func begin(maximumBodyBytes: Int) {
        forget()
        self.maximumBodyBytes = maximumBodyBytes
    }

    func forget() {
        head.removeAll(keepingCapacity: head.capacity <= 4096)
        body = []
        status = 0
        headersAreComplete = false
        headersTooLong = false
        stoppedAtLimit = false
    }

    static let headerCallback: sluice_write_callback = { bytes, size, count, context in
        let collector = Unmanaged<ResponseCollector>.fromOpaque(context!).takeUnretainedValue()
        return collector.addHeaderLine(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }

    static let bodyCallback: sluice_write_callback = { bytes, size, count, context in
        let collector = Unmanaged<ResponseCollector>.fromOpaque(context!).takeUnretainedValue()
        return collector.addBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }

    private func addHeaderLine(_ line: UnsafeRawBufferPointer) -> Int {
        if line.starts(with: "HTTP/".utf8) {
            // 1xx answers come before the real one: the last status line counts.
            head.removeAll(keepingCapacity: true)
            status = Self.status(of: line)
            headersAreComplete = false
        } else if line.count <= 2, line.allSatisfy({ $0 == 0x0D || $0 == 0x0A }) {
            headersAreComplete = status >= 200
        } else {
            guard head.count + line.count <= Self.maximumHeaderBytes else {
                headersTooLong = true
                return 0
            }
            head.append(contentsOf: line)
        }
        return line.count
    }

    private func addBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        let room = maximumBodyBytes - body.count
        body.append(contentsOf: bytes.prefix(room))
        guard bytes.count <= room else {
            stoppedAtLimit = true
            return 0
        }
        return bytes.count
    }

    /// `HTTP/1.1 200 OK`
    private static func status(of line: UnsafeRawBufferPointer) -> Int {
        guard let blank = line.firstIndex(of: 0x20) else { return 0 }
        return line[(blank + 1)...].prefix(3).reduce(0) { $0 * 10 + Int($1) - 0x30 }
    }

    var isChunked: Bool {
        HTTPRequest.Header.read(head).contains {
            $0.name.lowercased() == "transfer-encoding" && $0.value.lowercased().contains("chunked")
        }
    }

    func response() -> HTTPResponse {
        HTTPResponse(status: status, head: head, body: body, bodyIsTruncated: stoppedAtLimit)
    }
}
