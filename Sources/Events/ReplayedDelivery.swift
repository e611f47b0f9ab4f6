/// How a delivery says that it belongs to a replay: by its ID, which is the one that it would have had on the live
/// stream, and the replay's. So receivers do not take it for a duplicate, every attempt and restart has the same one,
/// and whoever sends it can tell.
public enum ReplayedDelivery {
    /// Of the HTTP header that names the replay.
    public static let header = "sluice-replay"
    /// Of the CloudEvents extension attribute; such names have letters and digits only.
    public static let cloudEventsExtension = "sluicereplay"

    private static let mark = "_rp"

    public static func id(_ live: String, of replay: String) -> String { "\(liveID(live))_\(replay)" }

    /// A replay's own ID, found in that of one of its deliveries; nil for a delivery of the live stream.
    public static func replay(ofDelivery id: String) -> String? {
        guard let mark = markIndex(id) else { return nil }
        return String(id[id.index(after: mark)...])
    }

    /// The ID that the delivery has, or would have, on the live stream.
    public static func liveID(_ id: String) -> String { markIndex(id).map { String(id[..<$0]) } ?? id }

    /// - Returns: `rp` and eight hex digits.
    public static func newReplay(using generator: inout some RandomNumberGenerator) -> String {
        let bytes = (0..<4).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return "rp" + Hex.encode(bytes)
    }

    private static func markIndex(_ id: String) -> String.Index? {
        let text = id.utf8
        guard text.count > 14 else { return nil }
        let index = text.index(text.endIndex, offsetBy: -11)
        return text[index...].starts(with: mark.utf8) ? index : nil
    }
}
