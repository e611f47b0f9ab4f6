/// The address where tokens are asked for: scheme and host, nothing behind.
package struct LoginURL: Hashable, Sendable, CustomStringConvertible {
    package let description: String
    /// What was changed to make it usable, for the operator to read.
    package let remark: String?

    /// - Parameter text: what the operator wrote: with or without `https://`, with or without a path.
    /// - Parameter allowsPlaintext: `http://` is for the emulator; otherwise loopback only.
    package init(_ text: String, allowsPlaintext: Bool = false) throws(SetupError) {
        let trimmed = text.split(whereSeparator: \.isWhitespace).joined()
        let (scheme, rest) = Self.split(trimmed)
        let host = String(rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" })
        guard !host.isEmpty, !host.contains("@"), ["https", "http"].contains(scheme) else {
            throw SetupError(
                "'\(text)' is not a Salesforce address",
                fix: "Write loginUrl as https://MyDomainName.my.salesforce.com (Setup > My Domain shows it).")
        }
        guard scheme == "https" || allowsPlaintext || Self.isLoopback(host) else {
            throw SetupError(
                "loginUrl \(scheme)://\(host) would send the client secret unencrypted", fix: "Write https://\(host).")
        }
        let lowered = host.lowercased()
        let lightning = ".lightning.force.com"
        if lowered.hasSuffix(lightning) {
            let corrected = lowered.dropLast(lightning.count) + ".my.salesforce.com"
            description = "https://\(corrected)"
            remark = "\(lowered) shows pages only and answers no API; using \(corrected)"
        } else if lowered.hasSuffix(".salesforce-setup.com") {
            throw SetupError(
                "\(lowered) is the address of Setup pages and answers no API",
                fix: "Use https://MyDomainName.my.salesforce.com (Setup > My Domain shows it).")
        } else {
            description = "\(scheme)://\(lowered)"
            remark = nil
        }
    }

    /// `login.salesforce.com` and `test.salesforce.com` serve every flow but client credentials.
    package var isSharedLoginHost: Bool {
        ["https://login.salesforce.com", "https://test.salesforce.com"].contains(description)
    }

    /// Where the org's users sign in who do not know their My Domain: the audience of JWT assertions.
    var sharedLoginHost: String {
        let isSandbox = description.contains(".sandbox.") || description == "https://test.salesforce.com"
        return isSandbox ? "https://test.salesforce.com" : "https://login.salesforce.com"
    }

    private static func split(_ text: String) -> (scheme: String, rest: Substring) {
        guard let separator = text.firstRange(of: "://") else { return ("https", Substring(text)) }
        return (text[..<separator.lowerBound].lowercased(), text[separator.upperBound...])
    }

    package static func isLoopback(_ hostAndPort: String) -> Bool {
        let host =
            hostAndPort.hasPrefix("[")
            ? String(hostAndPort.dropFirst().prefix { $0 != "]" }) : String(hostAndPort.prefix { $0 != ":" })
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        let isIPv4 = octets.count == 4 && octets.allSatisfy { UInt8($0) != nil }
        return host == "localhost" || host == "::1" || (isIPv4 && octets[0] == "127")
    }
}
