internal import CCurl

/// Owns one libcurl transfer handle. Whoever put it into the multi handle removes it before letting go.
struct EasyHandle: ~Copyable {
    let pointer: UnsafeMutableRawPointer

    init() {
        guard let pointer = curl_easy_init() else { preconditionFailure("libcurl: out of memory") }
        self.pointer = pointer
    }

    deinit { curl_easy_cleanup(pointer) }

    borrowing func set(_ option: CURLoption, _ value: Int) {
        check(sluice_setopt_long(pointer, option, value), option)
    }

    borrowing func set(_ option: CURLoption, _ value: Bool) {
        check(sluice_setopt_long(pointer, option, value ? 1 : 0), option)
    }

    /// libcurl copies the text.
    borrowing func set(_ option: CURLoption, _ value: String?) {
        guard let value else { return check(sluice_setopt_string(pointer, option, nil), option) }
        check(sluice_setopt_string(pointer, option, value), option)
    }

    borrowing func set(_ option: CURLoption, pointer value: UnsafeMutableRawPointer?) {
        check(sluice_setopt_pointer(pointer, option, value), option)
    }

    borrowing func number(_ info: CURLINFO) -> Int {
        var value = 0
        return sluice_getinfo_long(pointer, info, &value) == CURLE_OK ? value : 0
    }

    borrowing func bigNumber(_ info: CURLINFO) -> Int64 {
        var value: curl_off_t = 0
        return sluice_getinfo_off(pointer, info, &value) == CURLE_OK ? Int64(value) : 0
    }

    private borrowing func check(_ code: CURLcode, _ option: CURLoption) {
        precondition(
            code == CURLE_OK || code == CURLE_OUT_OF_MEMORY,
            "libcurl refused option \(option.rawValue): \(String(cString: curl_easy_strerror(code)))")
    }
}

extension EasyHandle {
    /// What every connection has in common: verified TLS 1.2 or later, HTTP/1.1, no signals, no redirects.
    borrowing func configure(_ options: ConnectionOptions) {
        set(CURLOPT_NOSIGNAL, true)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, false)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        set(CURLOPT_SSL_VERIFYPEER, true)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_SSL_ENABLE_ALPN, false)
        set(CURLOPT_TCP_KEEPALIVE, true)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, true)
        // A name server that does not answer must not hold up the thread when its transfer is given up.
        set(CURLOPT_QUICK_EXIT, true)
        set(CURLOPT_CONNECTTIMEOUT_MS, max(1, options.connectTimeout.milliseconds))
        configureTrust(options)
        configureProxy(options)
    }

    private borrowing func configureTrust(_ options: ConnectionOptions) {
        if let caFile = options.caFile {
            set(CURLOPT_CAINFO, caFile)
        }
        // The system's folder would be trusted beside a file of our own, and it keeps libcurl from caching the system's
        // bundle between handshakes.
        set(CURLOPT_CAPATH, nil)
        // Seconds for which a replaced CA file may go unnoticed.
        set(CURLOPT_CA_CACHE_TIMEOUT, 60)
        if let certificate = options.clientCertificate {
            set(CURLOPT_SSLCERT, certificate)
            set(CURLOPT_SSLKEY, options.clientKey ?? certificate)
        }
    }

    private borrowing func configureProxy(_ options: ConnectionOptions) {
        guard let proxy = options.proxy else {
            // Otherwise libcurl asks for half a dozen variables with each request, even where there is no proxy for two.
            if !ProxyChoice.environment.isPossible {
                set(CURLOPT_PROXY, "")
                set(CURLOPT_NOPROXY, "")
            }
            return
        }
        set(CURLOPT_PROXY, proxy)
        // What is configured is meant: `no_proxy` of the environment belongs to the environment's proxy.
        set(CURLOPT_NOPROXY, "")
    }
}
