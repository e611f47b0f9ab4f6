import Events

/// The attributes of a CloudEvent, and its two forms on the wire.
/// Source: CloudEvents 1.0.2, with its HTTP and JSON bindings.
struct CloudEvent {
    var id: String
    var source: String
    var type: String
    var subject: String?
    var time: String
    /// Lower-case names, in order.
    var extensions: [(name: String, value: String)]

    /// One JSON object with `data` inside.
    func structured(data: [UInt8]) -> [UInt8] {
        var json = JSONText()
        json.raw(Self.start(id: id))
        for (name, value) in attributes.dropFirst() + [("datacontenttype", "application/json")] {
            json.raw(",")
            json.string(name)
            json.raw(":")
            json.string(value)
        }
        json.raw(#","data":"#)
        json.raw(data)
        json.raw("}")
        return json.bytes
    }

    /// What every structured CloudEvent of a delivery begins with.
    static func start(id: String) -> [UInt8] {
        var json = JSONText()
        json.raw(#"{"specversion":"1.0","id":"#)
        json.string(id)
        return json.bytes
    }

    static let structuredType = DeliveryTarget.Header(
        name: "Content-Type", value: "application/cloudevents+json; charset=utf-8")
    static let idHeader = "ce-id"
    static let replayHeader = "ce-" + ReplayedDelivery.cloudEventsExtension

    /// The attributes as headers; `data` is the body.
    var headers: [DeliveryTarget.Header] {
        [DeliveryTarget.Header(name: "ce-specversion", value: "1.0")]
            + attributes.map { DeliveryTarget.Header(name: "ce-\($0.name)", value: Self.headerText($0.value)) }
    }

    private var attributes: [(name: String, value: String)] {
        var attributes = [("id", id), ("source", source), ("type", type)]
        if let subject { attributes.append(("subject", subject)) }
        attributes.append(("time", time))
        return attributes + extensions
    }

    /// Space, quotes, the percent sign and everything beyond printable ASCII are percent-encoded.
    static func headerText(_ value: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in value.utf8 {
            if (0x21...0x7E).contains(byte), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "%") {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
