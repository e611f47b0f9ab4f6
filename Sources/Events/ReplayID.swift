/// A position in a topic's stream, as Salesforce gives it: opaque bytes.
///
/// Every captured one is 10 bytes long, but nothing promises that. No arithmetic and no comparison of order: only
/// equality. An ID belongs to one org and one topic and is never used on another.
public struct ReplayID: Hashable, Sendable, CustomStringConvertible {
    /// Longer ones are refused rather than stored.
    public static let maximumBytes = 64

    public let bytes: [UInt8]

    /// - Returns: nil for an empty ID or one above `maximumBytes`.
    public init?(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, bytes.count <= Self.maximumBytes else { return nil }
        self.bytes = bytes
    }

    /// Base64 with padding, the form Salesforce's own tools print.
    public var description: String { Base64.encode(bytes) }

    public init?(base64 text: String) {
        guard let bytes = Base64.decode(text) else { return nil }
        self.init(bytes)
    }
}

/// Where a subscription starts. The names and numbers are those of the wire.
public enum ReplayPreset: Int32, Sendable {
    case latest = 0
    case earliest = 1
    case custom = 2
}
