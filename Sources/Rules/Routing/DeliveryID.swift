import Crypto
import Events

/// Identity of a delivery: the same after every restart and refetch, different for everything that is a delivery of its
/// own.
enum DeliveryID {
    /// `sl_` and the first 32 hex digits of SHA-256 over these parts, each as UTF-8 (the replay ID as its bytes, the
    /// index as decimal digits) behind its length in four bytes, most significant first. The flow of a fan-out is a part
    /// only where there is one, and so is which state of a record was read back. Who replays an event adds the replay's
    /// own ID.
    static func make(
        _ origin: DeliveryOrigin, rule: String, deliveryIndex: Int, flow: String? = nil, version: String? = nil
    ) -> String {
        var parts: [UInt8] = []
        parts.reserveCapacity(192)
        parts.append(part: origin.orgID.utf8)
        parts.append(part: origin.topic.utf8)
        parts.append(part: origin.replayID.bytes)
        parts.append(part: rule.utf8)
        parts.append(part: String(deliveryIndex).utf8)
        parts.append(part: origin.recordID.utf8)
        if let flow { parts.append(part: "flow \(flow)".utf8) }
        if let version { parts.append(part: "version \(version)".utf8) }
        return text(SHA256.hash(data: parts))
    }

    /// Of a batch: over the IDs of what was gathered.
    static func make(batchOf ids: [String], rule: String, deliveryIndex: Int) -> String {
        var parts: [UInt8] = []
        parts.append(part: "batch".utf8)
        parts.append(part: rule.utf8)
        parts.append(part: String(deliveryIndex).utf8)
        for id in ids { parts.append(part: id.utf8) }
        return text(SHA256.hash(data: parts))
    }

    private static func text(_ digest: SHA256Digest) -> String { Delivery.idPrefix + digest.hex(bytes: 16) }
}

extension [UInt8] {
    fileprivate mutating func append(part: some Collection<UInt8>) {
        let count = UInt32(part.count)
        for shift: UInt32 in [24, 16, 8, 0] { append(UInt8(truncatingIfNeeded: count >> shift)) }
        append(contentsOf: part)
    }
}

extension SHA256 {
    mutating func update(part: [UInt8]) {
        let count = UInt32(part.count)
        update(data: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> UInt32($0)) })
        update(data: part)
    }
}

extension SHA256Digest {
    /// Lower case, the first `count` bytes.
    func hex(bytes count: Int = byteCount) -> String {
        // As a sequence it is asked for one byte after another, by calls into another module.
        withUnsafeBytes { Hex.encode(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
    }
}
