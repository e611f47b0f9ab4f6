/// Where a secret is kept. Secrets themselves are resolved at load and are never part of a description.
public enum SecretReference: Hashable, Sendable {
    case env(String)
    case file(String)
}

/// A resolved secret: text that refuses to print itself.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Only for the line that puts it on the wire.
    public let exposed: String

    public init(_ text: String) { exposed = text }

    public var description: String { "•••" }
    public var debugDescription: String { "•••" }
    public var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
