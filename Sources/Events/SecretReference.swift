/// Where a secret is kept. Secrets themselves are resolved at load and are never part of a description.
package enum SecretReference: Hashable, Sendable {
    case env(String)
    case file(String)
}

/// A resolved secret: text that refuses to print itself.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Only for the line that puts it on the wire.
    package let exposed: String

    package init(_ text: String) { exposed = text }

    package var description: String { "•••" }
    package var debugDescription: String { "•••" }
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
