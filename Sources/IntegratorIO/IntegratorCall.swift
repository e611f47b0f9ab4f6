import Events

/// One call of integrator.io's API, before it becomes an HTTP request.
struct IntegratorCall: Sendable {
    var method = "GET"
    /// Below the version: `/flows`.
    var path: String
    /// In order.
    var query: [(name: String, value: String)] = []
    /// JSON.
    var body: [UInt8] = []
    /// What is being done, for errors: `list flows`.
    var action: String

    init(
        _ method: String = "GET", _ path: String, query: [(name: String, value: String)] = [], body: [UInt8] = [],
        action: String
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.action = action
    }

    init(_ method: String, _ path: String, json: Value, action: String) {
        var text = JSONText()
        text.value(json)
        self.init(method, path, body: text.bytes, action: action)
    }

    /// Path and query; values keep the characters of ISO dates readable.
    var target: String {
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0.name)=\(Self.encoded($0.value))" }.joined(separator: "&")
    }

    /// One path segment or query value: everything is encoded but unreserved characters, `:` and `,`.
    static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var output: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                output.append(byte)
            case _ where "-._~:,".utf8.contains(byte): output.append(byte)
            default: output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}

/// A typed answer beside all that integrator.io said.
package struct IntegratorAnswer<Content: Sendable>: Sendable {
    package var content: Content
    /// Fields that Sluice does not know included. Of a list that came in pages: all elements in one list.
    package var json: Value

    package init(_ content: Content, json: Value) {
        self.content = content
        self.json = json
    }
}
