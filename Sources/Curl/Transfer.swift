internal import CCurl

/// An easy handle for requests with equal connection options, used for one request after another.
@IOThread
final class Transfer {
    let options: ConnectionOptions
    let handle: TransferHandle
    private let answer = ResponseCollector()
    private let addresses: AddressGuard
    private let headers = HeaderLines()
    /// What libcurl was told for the last request, and need not be told again.
    private var told = Told()

    private struct Told {
        var url: String?
        var isSentOnce = false
        var acceptsCompression = false
        var method = ""
        var hasBody = false
    }

    init(options: ConnectionOptions) {
        self.options = options
        handle = TransferHandle(options: options)
        addresses = AddressGuard(options)
        addresses.watch(handle.easy)
        let context = Unmanaged.passUnretained(answer).toOpaque()
        handle.easy.set(CURLOPT_HEADERDATA, pointer: context)
        handle.easy.set(CURLOPT_WRITEDATA, pointer: context)
        sluice_setopt_callback(handle.easy.pointer, CURLOPT_HEADERFUNCTION, ResponseCollector.headerCallback)
        sluice_setopt_callback(handle.easy.pointer, CURLOPT_WRITEFUNCTION, ResponseCollector.bodyCallback)
    }

    func prepare(_ checked: CheckedRequest) {
        let request = checked.request
        let easy = handle.easy.pointer
        answer.begin(maximumBodyBytes: request.maximumResponseBytes)
        addresses.begin(checked.place)
        handle.clearError()
        if told.url != request.url { handle.easy.set(CURLOPT_URL, request.url) }
        if told.isSentOnce != request.isSentOnce { handle.easy.set(CURLOPT_FRESH_CONNECT, request.isSentOnce) }
        if told.acceptsCompression != request.acceptsCompression {
            handle.easy.set(CURLOPT_ACCEPT_ENCODING, request.acceptsCompression ? "gzip, deflate" : nil)
        }
        let hasBody = !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method)
        if told.method != request.method || told.hasBody != hasBody { setMethod(request.method, hasBody) }
        if hasBody { setBody(request.body) }
        told = Told(
            url: request.url, isSentOnce: request.isSentOnce, acceptsCompression: request.acceptsCompression,
            method: request.method, hasBody: hasBody)
        sluice_setopt_headers(easy, headers.set(request))
    }

    /// The body and the headers may hold secrets, and need not wait for the next request.
    func forgetRequest() {
        sluice_setopt_headers(handle.easy.pointer, nil)
        if told.hasBody { handle.easy.set(CURLOPT_COPYPOSTFIELDS, nil) }
        headers.forget()
        answer.forget()
    }

    private func setMethod(_ method: String, _ hasBody: Bool) {
        handle.easy.set(CURLOPT_HTTPGET, true)
        if hasBody {
            handle.easy.set(CURLOPT_POST, true)
        } else if method == "HEAD" {
            handle.easy.set(CURLOPT_NOBODY, true)
        }
        let implied = hasBody ? "POST" : method == "HEAD" ? "HEAD" : "GET"
        handle.easy.set(CURLOPT_CUSTOMREQUEST, method == implied ? nil : method)
    }

    private func setBody(_ body: [UInt8]) {
        // The size first: libcurl copies that many bytes.
        sluice_setopt_off(handle.easy.pointer, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
        body.withUnsafeBytes { body in
            let bytes = body.baseAddress ?? UnsafeRawPointer(Self.emptyBody)
            handle.easy.set(CURLOPT_COPYPOSTFIELDS, pointer: UnsafeMutableRawPointer(mutating: bytes))
        }
    }

    private static let emptyBody = UnsafePointer<UInt8>(UnsafeMutablePointer<UInt8>.allocate(capacity: 1))

    /// How far a request got that is given up. libcurl's own numbers are still those of the request before until it has
    /// begun with this one.
    var progress: (isSent: Bool, status: Int?) {
        (addresses.isSending, answer.headersAreComplete ? answer.status : nil)
    }

    /// What came of the request, once libcurl is done with it.
    func result(_ code: CURLcode, of checked: CheckedRequest) -> Result<HTTPResponse, TransportError> {
        // The declared length is that of the packed body: of an unpacked one it says nothing.
        let mayBeComplete = !checked.request.acceptsCompression && isComplete(despite: code)
        if code == CURLE_OK || answer.stoppedAtLimit || mayBeComplete {
            return .success(answer.response())
        }
        if answer.headersTooLong {
            var error = checked.failure(.other, "the answer's headers exceed \(ResponseCollector.maximumHeaderBytes) B")
            error.mayHaveBeenSent = true
            error.status = answer.status
            return .failure(error)
        }
        if let refused = addresses.refused, [CURLE_COULDNT_CONNECT, CURLE_ABORTED_BY_CALLBACK].contains(code) {
            return .failure(checked.failure(.badURL, AddressGuard.reason(refused)))
        }
        let failure = handle.failure(code, target: checked.target, options: options)
        return .failure(failure.error)
    }

    /// A 2xx that was received in full counts, however the connection ended. Without a declared length the end is
    /// wherever the peer stopped, unless it spoke in chunks: then the last one is missing.
    private func isComplete(despite code: CURLcode) -> Bool {
        let broken = [CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_PARTIAL_FILE]
        guard broken.contains(code), answer.headersAreComplete, answer.status / 100 == 2 else { return false }
        let declared = handle.easy.bigNumber(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)
        if declared >= 0 { return answer.bodyBytes >= declared }
        return !answer.isChunked
    }
}
