/// gRPC's length-prefixed messages: one byte "compressed", four bytes of length (big-endian), the message.
///
/// Source: gRPC, "PROTOCOL-HTTP2", Length-Prefixed-Message.
struct MessageFraming {
    static let prefixBytes = 5

    let maximumMessageBytes: Int
    private var buffer: [UInt8] = []
    private var start = 0

    init(maximumMessageBytes: Int) {
        self.maximumMessageBytes = maximumMessageBytes
    }

    /// Some of a message has arrived, and not all of it.
    var isInsideMessage: Bool { start < buffer.count }

    static func frame(_ message: [UInt8]) -> [UInt8] {
        let length = UInt32(message.count)
        var out: [UInt8] = []
        out.reserveCapacity(prefixBytes + message.count)
        out.append(0)
        withUnsafeBytes(of: length.bigEndian) { out.append(contentsOf: $0) }
        out.append(contentsOf: message)
        return out
    }

    /// - Returns: the messages that are complete now.
    mutating func append(_ bytes: [UInt8]) throws(GRPCError) -> [[UInt8]] {
        if buffer.isEmpty { buffer = bytes } else { buffer.append(contentsOf: bytes) }
        var messages: [[UInt8]] = []
        while let message = try takeMessage() { messages.append(message) }
        dropConsumed()
        return messages
    }

    private mutating func takeMessage() throws(GRPCError) -> [UInt8]? {
        guard buffer.count - start >= Self.prefixBytes else { return nil }
        guard buffer[start] == 0 else {
            let what = buffer[start] == 1 ? "compressed message, though only identity was offered" : "no gRPC message"
            throw GRPCError(buffer[start] == 1 ? .unimplemented : .internal, "received \(what)", origin: .us)
        }
        let length = buffer[(start + 1)..<(start + 5)].reduce(0) { $0 << 8 | Int($1) }
        guard length <= maximumMessageBytes else {
            let reason = "received a message of \(length) B; the limit is \(maximumMessageBytes) B"
            throw GRPCError(.resourceExhausted, reason, origin: .us)
        }
        let end = start + Self.prefixBytes + length
        guard buffer.count >= end else {
            buffer.reserveCapacity(end - start)
            return nil
        }
        defer { start = end }
        return Array(buffer[(start + Self.prefixBytes)..<end])
    }

    private mutating func dropConsumed() {
        guard start > 0 else { return }
        if start == buffer.count { buffer = [] } else { buffer.removeFirst(start) }
        start = 0
    }
}
