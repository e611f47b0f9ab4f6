/// How a delivery says that it belongs to a replay: by its ID, which is the one that it would have had on the live
/// stream, and the replay's. So receivers do not take it for a duplicate, every attempt and restart has the same one,
/// and whoever sends it can tell.
package enum ReplayedDelivery {
    /// Of the HTTP header that names the replay.
    package static let header = "sluice-replay"
    /// Of the CloudEvents extension attribute; such names have letters and digits only.
    package static let cloudEventsExtension = "sluicereplay"

    private static let mark = "_rp"

    package static func id(_ live: String, of replay: String) -> String { "\(liveID(live))_\(replay)" }

    /// A replay's own ID, found in that of one of its deliveries; nil for a delivery of the live stream.
    package static func replay(ofDelivery id: String) -> String? {
        guard let mark = markIndex(id) else { return nil }
        return String(id[id.index(after: mark)...])
    }

    /// The ID that the delivery has, or would have, on the live stream.
    package static func liveID(_ id: String) -> String { markIndex(id).map { String(id[..<$0]) } ?? id }

    /// - Returns: `rp` and eight hex digits.
    package static func newReplay(using generator: inout some RandomNumberGenerator) -> String {
        let bytes = (0..<4).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return "rp" + Hex.encode(bytes)
    }

    /// A request that was sent before, as a delivery of a replay. A CloudEvent gets the new ID and says so as well; the
    /// rest of it stays byte for byte.
    package static func resent(_ sent: Delivery, by replay: String) -> Delivery {
        var delivery = sent
        delivery.id = id(sent.id, of: replay)
        guard case .webhook(let method, let path, var headers) = sent.target else { return delivery }
        if let place = headers.firstIndex(where: { $0.name == "ce-id" }) {
            headers[place] = DeliveryTarget.Header(name: "ce-id", value: delivery.id)
            headers.removeAll { $0.name == "ce-" + cloudEventsExtension }
            headers.append(DeliveryTarget.Header(name: "ce-" + cloudEventsExtension, value: replay))
            delivery.target = .webhook(method: method, path: path, headers: headers)
        }
        let start = Array(#"{"specversion":"1.0","id":"\#(sent.id)""#.utf8)
        if headers.contains(where: { $0.value.hasPrefix("application/cloudevents+json") }), sent.body.starts(with: start) {
            var rest = sent.body.dropFirst(start.count)
            if let before = Self.replay(ofDelivery: sent.id) {
                rest.removeFirst(Array(#","\#(cloudEventsExtension)":"\#(before)""#.utf8))
            }
            let said = #"{"specversion":"1.0","id":"\#(delivery.id)","\#(cloudEventsExtension)":"\#(replay)""#
            delivery.body = Array(said.utf8) + rest
        }
        return delivery
    }

    private static func markIndex(_ id: String) -> String.Index? {
        let text = Array(id.utf8)
        guard text.count > 14, Array(text.suffix(11).prefix(3)) == Array(mark.utf8) else { return nil }
        return id.utf8.index(id.utf8.endIndex, offsetBy: -11)
    }
}

extension ArraySlice<UInt8> {
    /// Removes the first place at which `bytes` stand, if there is one.
    fileprivate mutating func removeFirst(_ bytes: [UInt8]) {
        guard count >= bytes.count else { return }
        for begin in startIndex...(endIndex - bytes.count) where self[begin...].starts(with: bytes) {
            return removeSubrange(begin..<begin + bytes.count)
        }
    }
}
