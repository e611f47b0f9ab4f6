import Events

/// The few queries that a simulated org understands.
package struct SOQLText {
    package let text: String

    /// - Parameter url: of a query.
    package init(_ url: String) {
        let query = url.split(separator: "?q=", maxSplits: 1).last.map(String.init) ?? ""
        text = Self.decoded(query.replacing("+", with: " "))
    }

    package init(text: String) { self.text = text }

    private static func decoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let pair = Hex.decode(Array(rest.prefix(2))) {
                bytes += pair
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    package var counts: Bool { text.contains("count(Id)") }
    package var wantsDeleted: Bool { text.contains("IsDeleted = true") }
    package var after: String { text.firstMatch(of: /Id > '(\w+)'/).map { String($0.1) } ?? "" }
    /// `Id IN ('…','…')`
    package var ids: Set<String>? {
        text.firstMatch(of: /Id IN \(([^)]*)\)/).map { found in
            Set(found.1.split(separator: ",").map { String($0.dropFirst().dropLast()) })
        }
    }
    package var limit: Int { text.firstMatch(of: /LIMIT (\d+)/).flatMap { Int($0.1) } ?? .max }
    package var since: Int64 {
        text.firstMatch(of: /SystemModstamp >= (\S+Z)/).flatMap { Timestamp.milliseconds(rfc3339: String($0.1)) } ?? .min
    }
    package var parity: Int? { text.firstMatch(of: /Parity__c = (\d)/).flatMap { Int($0.1) } }
}
