internal import CCurl

/// What libcurl reports of a failed transfer, put into our words.
struct CurlFailure {
    var code: CURLcode
    /// The error buffer; may be empty.
    var text: String
    /// `scheme://host:port`.
    var target: String
    var options: ConnectionOptions
    /// The status of the proxy's answer to CONNECT; 0 if there was none.
    var connectStatus: Int
    /// libcurl was ready to send the request: name, connection, proxy and TLS were done.
    var hadConnection: Bool
    /// The status of an answer that has begun; 0 if none has.
    var status: Int

    var error: TransportError {
        TransportError(
            kind: kind, target: target, reason: reason, mayHaveBeenSent: hadConnection && !Self.isBeforeRequest(kind),
            curlCode: Int32(code.rawValue), status: status == 0 ? nil : status)
    }

    /// In TLS 1.3 the answer to a client certificate comes after the handshake, when a request may be on its way.
    private var isLateTLSAlert: Bool { text.contains("alert") && text.contains("SSL") }

    /// What OpenSSL makes of an answer in plain text.
    private var isPlainAnswer: Bool {
        text.contains("wrong version number") || text.contains("packet length too long")
            || text.contains("record layer failure")
    }

    private var kind: TransportError.Kind {
        switch code {
        // Also said of an answer that is not HTTP.
        case CURLE_UNSUPPORTED_PROTOCOL: hadConnection ? .other : .badURL
        case CURLE_URL_MALFORMAT: .badURL
        case CURLE_COULDNT_RESOLVE_HOST: .resolve
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: .proxy
        case CURLE_COULDNT_CONNECT: options.proxy.map { !$0.isEmpty } == true ? .proxy : .connect
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS: .certificate
        case CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE: .localFile
        case CURLE_SSL_CONNECT_ERROR where isPlainAnswer: .notTLS
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED, CURLE_SSL_ENGINE_INITFAILED: .tls
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case _ where connectStatus != 0 && connectStatus / 100 != 2: .proxy
        case CURLE_RECV_ERROR, CURLE_SEND_ERROR: isLateTLSAlert ? .tls : .reset
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_HTTP2, CURLE_HTTP2_STREAM: .reset
        default: .other
        }
    }

    private static func isBeforeRequest(_ kind: TransportError.Kind) -> Bool {
        switch kind {
        case .badURL, .resolve, .connect, .proxy, .certificate, .localFile: true
        case .tls, .notTLS, .timeout, .reset, .cancelled, .other: false
        }
    }

    private var reason: String {
        let said = text.isEmpty ? String(cString: curl_easy_strerror(code)) : text
        switch kind {
        // libcurl says "Empty reply from server".
        case .reset where code == CURLE_GOT_NOTHING: return "it closed the connection before it answered"
        case .notTLS: return "it answers without TLS"
        case .certificate: return "certificate refused: \(said)"
        case .localFile: return "certificate, key or CA file unusable: \(said)"
        case .proxy where connectStatus != 0: return "the proxy answered \(connectStatus) to CONNECT"
        case .proxy: return "proxy unreachable: \(said)"
        case .timeout where !hadConnection: return "no connection in time: \(said)"
        default: return said
        }
    }
}
