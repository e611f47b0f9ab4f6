import Crypto
import Events

/// Identity of a delivery: the same after every restart and refetch, different for everything that is a delivery of its
/// own.
enum DeliveryID {
    /// `sl_` and the first 32 hex digits of SHA-256 over these parts, each as UTF-8 (the replay ID as its bytes, the
    /// index as decimal digits) behind its length in four bytes, most significant first.
    static func make(_ origin: DeliveryOrigin, rule: String, deliveryIndex: Int) -> String {
        var hash = SHA256()
        hash.update(part: Array(origin.orgID.utf8))
        hash.update(part: Array(origin.topic.utf8))
        hash.update(part: origin.replayID.bytes)
        hash.update(part: Array(rule.utf8))
        hash.update(part: Array(String(deliveryIndex).utf8))
        hash.update(part: Array(origin.recordID.utf8))
        return "sl_" + Hex.text(hash.finalize().prefix(16))
    }
}

extension SHA256 {
    mutating func update(part: [UInt8]) {
        let count = UInt32(part.count)
        update(data: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> UInt32($0)) })
        update(data: part)
    }
}

enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
