import Documents
import Events

/// One thing that did not come as a test expects.
package struct TestFailure: Sendable {
    package var suite: String
    package var test: String
    package var location: SourceLocation
    /// Without a full stop.
    package var message: String
    /// The paths that differ, and why rules did what they did.
    package var details: [String]

    /// `file:line:col: failed[suite / test]: ...`, and indented details, each ended by a newline.
    package var text: String {
        var text = "\(location): failed[\(suite) / \(test)]: \(message)\n"
        for detail in details { text += "  \(detail)\n" }
        return text
    }

    func appendJSON(to json: inout JSONText) {
        json.value(
            .record([
                "file": .string(location.path), "line": .int(Int64(location.position.line)),
                "column": .int(Int64(location.position.column)), "suite": .string(suite), "test": .string(test),
                "message": .string(message), "details": .list(details.map(Value.string)),
            ]))
    }
}
