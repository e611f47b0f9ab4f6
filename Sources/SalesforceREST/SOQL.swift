import Events

/// Pieces of SOQL and SOSL texts, escaped.
package enum SOQL {
    /// A text literal in single quotes.
    package static func quoted(_ text: String) -> String {
        var result = "'"
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "'": result += "\\'"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "'"
    }

    /// `2026-01-31T12:00:00Z`, from epoch milliseconds; no quotes belong around it.
    package static func dateTime(_ milliseconds: Int64) -> String { Timestamp.rfc3339(milliseconds) }

    /// `('a','b')`
    package static func list(_ texts: [String]) -> String {
        "(" + texts.map(quoted).joined(separator: ",") + ")"
    }

    /// Whether it can be an API name, or a path of them: what is put into a query unquoted.
    package static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
                guard let first = part.utf8.first, first | 0x20 >= UInt8(ascii: "a"), first | 0x20 <= UInt8(ascii: "z")
                else { return false }
                return part.utf8.allSatisfy {
                    switch $0 {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
            }
    }

    /// The search text of SOSL's `FIND {…}`, its reserved characters escaped.
    package static func searchText(_ text: String) -> String {
        var result = ""
        for character in text {
            if "?&|!{}[]()^~*:\\\"'+-".contains(character) { result += "\\" }
            result.append(character)
        }
        return result
    }
}
