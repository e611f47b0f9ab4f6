import FoundationEssentials

/// A flat view of a JSON object in an answer, for the few fields that are read.
struct JSONObject {
    private let values: [String: JSONScalar]

    /// Nil if the bytes are no JSON object.
    init?(_ bytes: [UInt8]) {
        guard let values = try? JSONDecoder().decode([String: JSONScalar].self, from: Data(bytes)) else { return nil }
        self.values = values
    }

    subscript(name: String) -> String? {
        if case .text(let text)? = values[name] { return text }
        return nil
    }
}

private enum JSONScalar: Decodable {
    case text(String)
    case other

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self = (try? container.decode(String.self)).map(JSONScalar.text) ?? .other
    }
}
