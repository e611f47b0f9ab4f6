import Events

/// A field and its new value, as they are typed: `FIELD=VALUE`, where the value is JSON, or else text.
struct FieldAssignment {
    let name: String
    let value: Value

    init(_ text: String) throws {
        let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard pair.count == 2, !pair[0].isEmpty else {
            throw CommandFailure(.badInput, "'\(text)' is not FIELD=VALUE")
        }
        name = pair[0]
        value = (try? JSONReader.parse(pair[1])) ?? .string(pair[1])
    }
}
