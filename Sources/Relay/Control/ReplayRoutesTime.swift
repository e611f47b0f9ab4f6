import Events

/// A moment in an answer: RFC 3339 in JSON, epoch milliseconds in Swift.
package struct ControlTime: Sendable, Equatable, Codable {
    package var milliseconds: Int64

    package init(_ milliseconds: Int64) { self.milliseconds = milliseconds }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let milliseconds = ReplayTime.parse(text) else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "not an RFC 3339 time"))
        }
        self.milliseconds = milliseconds
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    package var text: String { Timestamp.rfc3339(milliseconds) }
}
