internal import CZlib

/// Decompresses `Content-Encoding: gzip` (RFC 1952) and `deflate` (RFC 1950) bodies.
enum Inflate {
    enum Failure: Error, Equatable { case malformed, tooLarge }

    enum Format { case gzip, zlib }

    private static let chunkBytes = 64 << 10

    /// - Parameter limit: of what comes out.
    static func decode(_ bytes: [UInt8], _ format: Format, limit: Int) throws(Failure) -> [UInt8] {
        let stream = InflateStream(format)
        return try bytes.withUnsafeBufferPointer { input throws(Failure) in
            stream.read(from: input)
            var output: [UInt8] = []
            while true {
                // A byte above the limit tells what is too long from what just fits.
                let (chunk, status) = stream.next(min(chunkBytes, limit - output.count + 1))
                output += chunk
                guard output.count <= limit else { throw .tooLarge }
                if status == Z_STREAM_END { return output }
                // Without progress the input is cut.
                guard status == Z_OK else { throw .malformed }
            }
        }
    }
}

/// Owns zlib's stream, which holds its own address.
private struct InflateStream: ~Copyable {
    private let stream: UnsafeMutablePointer<z_stream>

    init(_ format: Inflate.Format) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 16 asks for the gzip wrapping.
        let windowBits = MAX_WBITS + (format == .gzip ? 16 : 0)
        let status = inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib cannot start: out of memory, or of another version than its header")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// - Parameter input: stays where it is until the last `next`.
    func read(from input: UnsafeBufferPointer<UInt8>) {
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(clamping: input.count)
    }

    /// At most `count` bytes of what comes out, and zlib's status.
    func next(_ count: Int) -> (bytes: [UInt8], status: Int32) {
        var status = Z_OK
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            stream.pointee.next_out = buffer.baseAddress
            stream.pointee.avail_out = UInt32(buffer.count)
            status = inflate(stream, Z_NO_FLUSH)
            written = buffer.count - Int(stream.pointee.avail_out)
        }
        return (bytes, status)
    }
}
