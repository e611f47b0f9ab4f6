/// How long a relay may show no sign of life before a command gives it up.
package struct ControlPatience: Sendable {
    package static let standard = ControlPatience(quiet: .seconds(4), answer: .seconds(6))

    /// After so long without a word, it is asked whether it lives.
    var quiet: Duration
    /// For a connection, and for the answer that it lives.
    var answer: Duration
}
