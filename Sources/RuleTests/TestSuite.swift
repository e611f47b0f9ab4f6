import Documents
import Events
import Rules

/// One file of rule tests, read and checked.
package struct TestSuite: Sendable {
    /// As findings name the file.
    package var path: String
    package var name: String
    /// Files whose rules take part, relative to this one; empty means all.
    var ruleFiles: [YAMLNode]
    var secrets: [String: String]
    package var tests: [TestCase]
    /// Text of the file, for `--update`.
    var text: String
}

/// One test: what happens when, and what is expected of it.
package struct TestCase: Sendable {
    package var name: String
    /// Of the test's name.
    var location: SourceLocation
    /// Epoch milliseconds at which its clock starts.
    var start: Int64
    /// In order of time.
    var steps: [Step]
    var records: [String: YAMLNode]
    /// By user.
    var flows: [String: [FlowFacts]]
    /// By destination.
    var answers: [String: AnswerScript]
    var expectation: YAMLNode
    /// Where `expect` stands.
    var expectationLocation: SourceLocation
    /// Its events come along a clock, so that times are worth writing down.
    var isSequence: Bool
    var typing: FieldTyping

    /// What comes along the stream at one moment: one event, or the records of a merged one.
    struct Step: Sendable {
        /// Milliseconds after the start.
        var at: Int64
        var events: [Event]
    }
}

/// What a destination answers to the requests of one test, one after another.
struct AnswerScript: Sendable {
    enum Answer: Sendable {
        case response(status: Int, headers: [(name: String, value: String)], body: String)
        /// The request may have arrived; no answer came.
        case timeout
        /// No connection.
        case refused
    }

    var answers: [Answer]
    /// A single answer is given to every request; a list is used up, and then all goes well.
    var repeats: Bool
}
