internal import CCurl

/// One attempt to open a `ByteStream`.
@IOThread
final class Connector {
    private let handle: TransferHandle
    private let target: String
    private let options: ConnectionOptions
    private var continuation: CheckedContinuation<Result<ByteStream, TransportError>, Never>?
    private var deadline: IOThread.TimerID?

    init(host: String, port: Int, options: ConnectionOptions, plaintext: Bool) {
        let bracketed = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        self.target = "\(plaintext ? "http" : "https")://\(bracketed):\(port)"
        self.options = options
        self.handle = TransferHandle(options: options)
        handle.easy.set(CURLOPT_URL, target + "/")
        handle.easy.set(CURLOPT_CONNECT_ONLY, true)
        handle.easy.set(CURLOPT_HTTPPROXYTUNNEL, true)
        handle.easy.set(CURLOPT_FRESH_CONNECT, true)
        if plaintext, options.proxy == nil { handle.easy.set(CURLOPT_PROXY, "") }
        if !plaintext { sluice_offer_h2(handle.easy.pointer) }
    }

    func run() async throws(TransportError) -> ByteStream {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { start(resuming: $0) }
        } onCancel: {
            IOThread.post { self.giveUp(.cancelled, "cancelled") }
        }
        return try result.get()
    }

    private func start(resuming continuation: CheckedContinuation<Result<ByteStream, TransportError>, Never>) {
        self.continuation = continuation
        guard !Task.isCancelled else { return finish(.failure(failure(.cancelled, "cancelled"))) }
        deadline = IOThread.schedule(after: options.connectTimeout) {
            self.giveUp(.timeout, "no connection within \(self.options.connectTimeout)")
        }
        IOLoop.shared.add(handle.easy.pointer) { code in self.connected(code) }
    }

    private func connected(_ code: CURLcode) {
        var socket = CURL_SOCKET_BAD
        if code == CURLE_OK { sluice_getinfo_socket(handle.easy.pointer, CURLINFO_ACTIVESOCKET, &socket) }
        guard socket != CURL_SOCKET_BAD else {
            IOLoop.shared.remove(handle.easy.pointer)
            let error = handle.failure(code, target: target, options: options).error
            return finish(.failure(error.beforeAnyRequest))
        }
        finish(.success(ByteStream(handle: handle, socket: socket, target: target)))
    }

    /// Does nothing once there is a result: `continuation` is nil then.
    private func giveUp(_ kind: TransportError.Kind, _ reason: String) {
        guard continuation != nil else { return }
        IOLoop.shared.remove(handle.easy.pointer)
        finish(.failure(failure(kind, reason)))
    }

    private func failure(_ kind: TransportError.Kind, _ reason: String) -> TransportError {
        TransportError(kind: kind, target: target, reason: reason, mayHaveBeenSent: false)
    }

    private func finish(_ result: Result<ByteStream, TransportError>) {
        if let deadline { IOThread.cancel(deadline) }
        let waiting = continuation
        continuation = nil
        if waiting == nil, case .success(let stream) = result { stream.close() }
        waiting?.resume(returning: result)
    }
}

extension TransportError {
    /// A connection that was only to be opened has sent no request.
    fileprivate var beforeAnyRequest: TransportError {
        var copy = self
        copy.mayHaveBeenSent = false
        return copy
    }
}
