internal import CCurl

/// A configured easy handle with the memory into which libcurl writes its error text.
final class TransferHandle {
    let easy = EasyHandle()
    private let errorText: UnsafeMutableRawPointer

    init(options: ConnectionOptions) {
        errorText = .allocate(byteCount: Int(CURL_ERROR_SIZE), alignment: 1)
        clearError()
        easy.set(CURLOPT_ERRORBUFFER, pointer: errorText)
        easy.configure(options)
    }

    /// The easy handle is cleaned up after this, and does not write errors any more.
    deinit {
        easy.set(CURLOPT_ERRORBUFFER, pointer: nil)
        errorText.deallocate()
    }

    func clearError() {
        errorText.storeBytes(of: 0, as: UInt8.self)
    }

    func failure(_ code: CURLcode, target: String, options: ConnectionOptions) -> CurlFailure {
        CurlFailure(
            code: code, text: String(cString: errorText.assumingMemoryBound(to: CChar.self)), target: target,
            options: options, connectStatus: easy.number(CURLINFO_HTTP_CONNECTCODE),
            hadConnection: easy.bigNumber(CURLINFO_PRETRANSFER_TIME_T) > 0,
            status: easy.number(CURLINFO_RESPONSE_CODE))
    }
}
