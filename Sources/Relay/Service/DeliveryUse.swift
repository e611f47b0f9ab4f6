import Events
import Logging
import SalesforceREST

/// Watches how much of its daily event delivery allocation an org has used: all clients of the org share it, and Salesforce
/// ends subscriptions beyond it.
actor DeliveryUse {
    /// Between two looks. Each is one of the org's API calls.
    static let interval: Duration = .seconds(600)
    /// What was seen longer ago holds nothing up any more.
    static let maximumAge: Duration = interval * 3
    /// From here on it is said in the log, and replays wait.
    static let high = 0.9

    private let org: String
    private let client: RESTClient
    private let monitor: RelayMonitor
    private let log: Logger
    private var seen: (ratio: Double, at: Duration)?
    private var isSaid = false

    init(org: String, client: RESTClient, monitor: RelayMonitor, log: Logger) {
        self.org = org
        self.client = client
        self.monitor = monitor
        self.log = log
    }

    private var ratio: Double? {
        seen.flatMap { monitor.time.monotonic() - $0.at <= Self.maximumAge ? $0.ratio : nil }
    }

    /// Why no more events should be fetched that need not be; nil to go on.
    var brake: String? {
        guard let ratio, ratio >= Self.high else { return nil }
        return "the org has used \(Int(ratio * 100)) % of its daily event deliveries"
    }

    /// Salesforce would refuse to send any more.
    var isUsedUp: Bool { ratio.map { $0 >= 1 } ?? false }

    /// Until the task is cancelled, or Salesforce says that this user may not know.
    func run() async {
        repeat {
            do throws(RESTError) {
                guard let limit = try await client.limits().first(where: { $0.name == "DailyDeliveredPlatformEvents" })
                else { return }
                note(Double(limit.used) / Double(max(1, limit.maximum)))
            } catch {
                // A sign-in that is refused is mended one day.
                guard error.kind != .forbidden, error.kind != .notFound else {
                    return log.info("the org's event delivery allocation is not watched: \(error)")
                }
            }
        } while (try? await monitor.time.sleep(Self.interval)) != nil
    }

    private func note(_ ratio: Double) {
        seen = (ratio, monitor.time.monotonic())
        monitor.deliveryUsed(ratio, org: org)
        let isHigh = ratio >= Self.high
        if isHigh, !isSaid {
            log.warning(
                """
                the org has used \(Int(ratio * 100)) % of its daily event deliveries, which all its clients share; beyond it \
                Salesforce ends subscriptions until the use of the last 24 hours falls. Replays wait meanwhile
                """)
        }
        isSaid = isHigh
    }
}
