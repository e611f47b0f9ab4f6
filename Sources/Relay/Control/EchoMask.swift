import Events
import Store

/// Hides in the start of an answer what it repeats of the request.
struct EchoMask {
    /// Shorter ones say little, and stand in every text.
    static let shortest = 4

    /// The longest first: others may be part of them. Nil where it is not known what was sent.
    private let values: [String]?

    /// - Parameter history: an operator's mark in it tells that other requests may have been sent before.
    init(_ body: [UInt8], _ history: [AttemptRecord]) {
        guard !body.isEmpty, !history.contains(where: \.isMark) else {
            values = nil
            return
        }
        var found: Set<String> = []
        if let value = try? JSONReader.parse(body) {
            Self.collect(value, &found)
        } else {
            found = Set(String(decoding: body, as: UTF8.self).split { $0.isWhitespace }.map(String.init))
        }
        values = found.filter { $0.count >= Self.shortest }.sorted { ($1.count, $0) < ($0.count, $1) }
    }

    func masked(_ answer: String) -> String {
        guard !answer.isEmpty else { return answer }
        guard let values else { return "•••" }
        var answer = answer
        for value in values where answer.contains(value) { answer = answer.replacing(value, with: "•••") }
        // The end may have been cut off within one.
        for value in values {
            for length in stride(from: min(value.count - 1, answer.count), through: Self.shortest, by: -1)
            where answer.hasSuffix(value.prefix(length)) {
                return answer.dropLast(length) + "•••"
            }
        }
        return answer
    }

    private static func collect(_ value: Value, _ found: inout Set<String>) {
        switch value {
        case .string(let text):
            found.insert(text)
            // As it stands within a text of JSON.
            var quoted = JSONText()
            quoted.value(value)
            found.insert(String(quoted.string.dropFirst().dropLast()))
        case .int(let number): found.insert("\(number)")
        case .double(let number): found.insert("\(number)")
        case .list(let list): for element in list { collect(element, &found) }
        case .record(let fields): for field in fields.fields { collect(field.value, &found) }
        default: break
        }
    }
}
