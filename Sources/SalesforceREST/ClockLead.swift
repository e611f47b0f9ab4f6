/// By how much our clock is certainly ahead of Salesforce's, as far as the answers tell it.
///
/// An answer is dated after its request was sent, so what the request's time lies behind that date is a lead, whatever the
/// way takes. The date is in whole seconds.
struct ClockLead {
    /// A slow answer tells less than a quick one did, so the most that was seen counts for this long.
    static let memory: Duration = .seconds(600)

    /// Milliseconds; 0 while nothing tells of a lead.
    private(set) var milliseconds: Int64 = 0
    private var seenAt: Duration = .zero

    /// - Parameters:
    ///   - sent: by our clock, when the request began; epoch milliseconds.
    ///   - date: of the answer, epoch milliseconds.
    ///   - now: monotonic.
    mutating func note(sent: Int64, date: Int64, at now: Duration) {
        let (difference, overflow) = sent.subtractingReportingOverflow(date)
        let lead = overflow ? 0 : max(0, difference - 999)
        guard lead >= milliseconds || now - seenAt >= Self.memory else { return }
        milliseconds = lead
        seenAt = now
    }
}
