/// `Link: <https://…?after=…>; rel="next"` (RFC 8288).
enum LinkHeader {
    /// The target of the first link with the relation `next`; nil when there is none.
    static func next(_ headers: [String]) -> String? {
        for header in headers {
            var rest = Substring(header)
            while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
                let target = rest[rest.index(after: open)..<close]
                rest = rest[rest.index(after: close)...]
                let parameters = rest.prefix { $0 != "<" }
                if isNext(parameters) { return String(target) }
            }
        }
        return nil
    }

    private static func isNext(_ parameters: Substring) -> Bool {
        parameters.split(whereSeparator: { $0 == ";" || $0 == "," }).contains { parameter in
            let pair = parameter.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, pair[0].filter({ $0 != " " }).lowercased() == "rel" else { return false }
            // One link may have several relations.
            let relations = pair[1].filter { $0 != "\"" }.lowercased()
            return relations.split(separator: " ").contains("next")
        }
    }
}

/// Where the next page of a list is, as the API names it.
enum NextPage {
    /// The whole URL of the next page.
    ///
    /// - Parameters:
    ///   - target: an absolute URL, or a path from the root of the host.
    ///   - root: the API's root, `https://host/v1`.
    /// - Returns: nil when it leads elsewhere: the credential goes to the configured host only.
    static func url(_ target: String, root: String) -> String? {
        let origin = origin(of: root)
        let url = target.hasPrefix("/") && !target.hasPrefix("//") ? origin + target : target
        // A slash behind the root, so that `https://host/v10` is not below `https://host/v1`.
        guard url.lowercased().hasPrefix(root.lowercased() + "/") else { return nil }
        return url
    }

    /// `https://host:port`
    private static func origin(of url: String) -> String {
        guard let colon = url.firstIndex(of: ":") else { return url }
        let authority = url[colon...].dropFirst(3)
        let end = authority.firstIndex(of: "/") ?? authority.endIndex
        return String(url[..<end])
    }
}
