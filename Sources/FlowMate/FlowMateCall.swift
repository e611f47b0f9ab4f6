import Events

/// One call of FlowMate's management API, before it becomes an HTTP request.
struct FlowMateCall: Sendable {
    var method = "GET"
    /// Below the base URL.
    var path: String
    /// In order; names may repeat.
    var query: [(name: String, value: String)] = []
    var body: Value?
    /// What is being done, for errors: `list flows`.
    var action: String
    /// Login is called without the credential that it is to bring.
    var carriesCredential = true

    /// Path and query, with everything but unreserved characters encoded in the query (RFC 3986, section 2.3).
    var target: String {
        guard !query.isEmpty else { return path }
        let pairs = query.map { "\(Self.encoded($0.name))=\(Self.encoded($0.value))" }
        return path + "?" + pairs.joined(separator: "&")
    }

    var bodyBytes: [UInt8] {
        guard let body else { return [] }
        var json = JSONText()
        json.value(body)
        return json.bytes
    }

    static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var output: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                output.append(byte)
            default: output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}

/// A typed answer beside all that FlowMate said.
package struct FlowMateAnswer<Content: Sendable>: Sendable {
    package var content: Content
    /// Fields that Sluice does not know included. Of a list that came in pages: all elements in one list.
    package var json: Value

    package init(_ content: Content, json: Value) {
        self.content = content
        self.json = json
    }
}
