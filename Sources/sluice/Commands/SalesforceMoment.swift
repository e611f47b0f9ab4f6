import Events
import Salesforce

/// Moments as operators type them, for headers.
enum SalesforceMoment {
    /// `2026-11-22T03:00:30Z`, `2026-01-31T12:00:00.000+0000`, `30m`
    ///
    /// - Returns: an HTTP date; whole seconds.
    static func header(_ text: String, _ option: String) throws -> String {
        let now = TimeSource.system.wall()
        // As Salesforce writes it.
        let moment = try Timestamp.milliseconds(rfc3339: text) ?? ReplayInput.moment(text, option, now: now)
        guard moment >= 0 else { throw CommandFailure(.badInput, "\(option): '\(text)' is before 1970.") }
        return HTTPDate.text(moment)
    }
}
