internal import CCurl

/// A connected TCP or TLS stream for HTTP/2, made by libcurl: name lookup, proxy, TLS and certificate checks are its.
///
/// Nothing blocks. Read until `.wouldBlock` before waiting for the next call of `onReady`: TLS may hold decrypted bytes
/// of which the socket knows nothing.
@IOThread
package final class ByteStream {
    package enum ReadResult: Equatable {
        case bytes(Int)
        case wouldBlock
        /// The peer has ended its side.
        case end
    }

    private let handle: TransferHandle
    private let socket: Int32
    private let target: String
    private var isOpen = true

    /// - Parameter handle: connected, and still in the multi handle.
    init(handle: TransferHandle, socket: Int32, target: String) {
        self.handle = handle
        self.socket = socket
        self.target = target
    }

    deinit {
        let wasOpen = isOpen
        precondition(!wasOpen, "a byte stream was dropped without close()")
    }

    /// - Returns: 0 if the socket takes nothing now.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(TransportError) -> Int {
        precondition(isOpen, "a closed byte stream is written")
        var written = 0
        let code = curl_easy_send(handle.easy.pointer, bytes.baseAddress, bytes.count, &written)
        switch code {
        case CURLE_OK: return written
        case CURLE_AGAIN: return 0
        default: throw failure(code)
        }
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> ReadResult {
        precondition(isOpen, "a closed byte stream is read")
        var count = 0
        let code = curl_easy_recv(handle.easy.pointer, buffer.baseAddress, buffer.count, &count)
        switch code {
        case CURLE_OK: return count == 0 ? .end : .bytes(count)
        case CURLE_AGAIN: return .wouldBlock
        default: throw failure(code)
        }
    }

    /// Calls `handler` when there may be something to read, or, while `setWantsWrite(true)`, room to write.
    package func onReady(_ handler: @escaping @IOThread () -> Void) {
        IOLoop.shared.watch(socket, handler: handler)
    }

    package func setWantsWrite(_ wants: Bool) {
        IOLoop.shared.setWantsWrite(wants, on: socket)
    }

    package func close() {
        guard isOpen else { return }
        isOpen = false
        IOLoop.shared.unwatch(socket)
        IOLoop.shared.remove(handle.easy.pointer)
    }

    private func failure(_ code: CURLcode) -> TransportError {
        let reason = String(cString: curl_easy_strerror(code))
        return TransportError(
            kind: .reset, target: target, reason: "connection broken: \(reason)", mayHaveBeenSent: true,
            curlCode: Int32(code.rawValue))
    }
}

extension ByteStream {
    /// Connects, through a proxy's CONNECT if there is one, and agrees on `h2` by ALPN.
    ///
    /// - Parameter plaintext: `http` without TLS, for loopback; then the environment's proxy is not used.
    /// - Throws: `TransportError`; `.cancelled` if the task is.
    package static func connect(
        host: String, port: Int, options: ConnectionOptions, plaintext: Bool
    ) async throws(TransportError) -> ByteStream {
        let connector = Connector(host: host, port: port, options: options, plaintext: plaintext)
        return try await connector.run()
    }
}
