import Documents

/// Headers that an operator may set.
struct HeaderCheck {
    let findings: FindingList

    /// These belong to the relay or to the connection.
    static let reserved: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "webhook-id", "webhook-timestamp",
        "webhook-signature",
    ]

    /// Their values let somebody in.
    static let secret: Set<String> = [
        "authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "apikey", "x-auth-token",
        "x-access-token",
    ]

    func check(_ entry: YAMLNode.Entry) {
        checkSecret(entry)
        if Self.reserved.contains(entry.key.lowercased()) {
            findings.report(.badValue, at: entry, "the header '\(entry.key)' is set by the relay itself")
        }
        if let text = entry.value.scalar?.text, !HeaderText.isSafe(text) {
            findings.report(.badValue, at: entry.value, "a header cannot hold control characters")
        }
    }

    /// What is computed from an event is no secret of ours.
    private func checkSecret(_ entry: YAMLNode.Entry) {
        guard Self.secret.contains(entry.key.lowercased()), let text = entry.value.scalar?.text, !text.isEmpty,
            !text.hasInterpolation
        else { return }
        let name = entry.key.lowercased() == "authorization" ? "bearer: {env: NAME}"
            : "header: {name: \(entry.key), value: {env: NAME}}"
        findings.report(
            .secretLiteral, in: entry.value.source, at: entry.value.position, length: entry.value.length,
            "the header '\(entry.key)' is a secret, and secrets are given as {env: NAME} or {file: path}",
            hint: "write it under the destination's 'auth': \(name)", secret: true)
    }
}

enum HeaderText {
    /// No control characters, so that one header cannot become two.
    static func isSafe(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { ($0.value >= 0x20 && $0.value != 0x7F) || $0 == "\t" }
    }
}
