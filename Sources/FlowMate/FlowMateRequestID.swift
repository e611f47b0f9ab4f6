import Crypto

/// The `x-request-id` of a webhook call: what makes a retry run at most once.
///
/// FlowMate takes it as the run's ID, unique over the whole platform, and drops a second event that carries it after
/// answering 200. So it is the same on every attempt of a delivery, differs between two flows, and changes when a
/// delivery is deliberately driven again.
package enum FlowMateRequestID {
    /// - Returns: 32 lower-case hex digits.
    package static func make(flow: String, delivery: String, redrive: Int = 0) -> String {
        var hash = SHA256()
        for part in [flow, delivery, String(redrive)] {
            hash.update(data: Array("\(part.utf8.count):\(part)".utf8))
        }
        return hash.finalize().prefix(16).map(Self.hex).joined()
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }
}
