import Documents

/// Headers that an operator may set.
struct HeaderCheck {
    let findings: FindingList

    /// These belong to the relay or to the connection.
    static let reserved: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "webhook-id", "webhook-timestamp",
        "webhook-signature",
    ]

    func check(_ entry: YAMLNode.Entry) {
        if Self.reserved.contains(entry.key.lowercased()) {
            findings.report(.badValue, at: entry, "the header '\(entry.key)' is set by the relay itself")
        }
        if let text = entry.value.scalar?.text, !HeaderText.isSafe(text) {
            findings.report(.badValue, at: entry.value, "a header cannot hold control characters")
        }
    }
}

enum HeaderText {
    /// No control characters, so that one header cannot become two.
    static func isSafe(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { ($0.value >= 0x20 && $0.value != 0x7F) || $0 == "\t" }
    }
}
