/// Something in the org or the configuration that only a person can mend. Retrying does not help.
package struct SetupError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, with the thing named.
    package let problem: String
    /// What to do, and where.
    package let fix: String

    package init(_ problem: String, fix: String) {
        self.problem = problem
        self.fix = fix
    }

    package var description: String { "\(problem). \(fix)" }
}
