import Glibc

/// Whether libcurl goes through a proxy for a request: it reads the environment by itself, and says only afterwards what
/// it did. `http_proxy` counts in lower case only, since a web server may set the other from a request's header.
struct ProxyChoice: Sendable {
    /// The environment of a process stays as it was at its start.
    static let environment = ProxyChoice { name in getenv(name).map { String(cString: $0) } }

    private let http: Bool
    private let https: Bool
    private let direct: [Substring]

    init(_ variable: (String) -> String?) {
        func isSet(_ names: [String]) -> Bool { names.contains { variable($0)?.isEmpty == false } }
        let all = ["all_proxy", "ALL_PROXY"]
        http = isSet(["http_proxy"] + all)
        https = isSet(["https_proxy", "HTTPS_PROXY"] + all)
        let list = ["no_proxy", "NO_PROXY"].lazy.compactMap(variable).first { !$0.isEmpty } ?? ""
        direct = list.lowercased().split { $0 == "," || $0 == " " }.map { $0.hasPrefix(".") ? $0.dropFirst() : $0 }
    }

    /// The environment names a proxy for something.
    var isPossible: Bool { http || https }

    func isProxied(_ place: RequestPlace, _ options: ConnectionOptions) -> Bool {
        // What is configured is meant for everything: `no_proxy` belongs to the environment's proxy.
        if let proxy = options.proxy { return !proxy.isEmpty }
        return (place.isSecure ? https : http) && !isDirect(place.host)
    }

    /// Named itself, or by a domain that it is in. Networks (`10.0.0.0/8`) are for addresses that stand in a URL, which
    /// are looked at before anything is sent.
    private func isDirect(_ host: String) -> Bool {
        direct.contains { $0 == "*" || host == $0 || host.hasSuffix(".\($0)") }
    }
}
