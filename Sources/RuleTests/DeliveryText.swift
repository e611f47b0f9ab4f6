import Documents
import Events

/// How deliveries are told to people, and how their times are written in test files.
enum DeliveryText {
    /// `opportunity-won → flowmate: POST https://… {"data":…}`
    static func line(_ delivery: SentDelivery) -> String {
        guard let request = delivery.request else {
            return "\(delivery.title): no request was made" + (delivery.reason.isEmpty ? "" : " (\(delivery.reason))")
        }
        let body = String(decoding: request.body, as: UTF8.self)
        let shown = body.unicodeScalars.count <= 200 ? body : String(scalars: body.unicodeScalars.prefix(197)) + "..."
        return "\(delivery.title): \(request.method) \(request.url) \(shown)"
    }

    /// Reads `25s`, `0s`, or a time.
    ///
    /// - Returns: milliseconds after the start; nil if it is none of these.
    static func offset(_ map: YAMLNode, _ key: String, start: Int64) -> Int64? {
        guard let text = map.text(key) else { return nil }
        if text == "0s" { return 0 }
        return map.milliseconds(key) ?? Timestamp.milliseconds(rfc3339: text).map { $0 - start }
    }

    /// A time as RFC 3339.
    static func at(_ offset: Int64, start: Int64) -> String { Timestamp.rfc3339(start + offset) }
}
