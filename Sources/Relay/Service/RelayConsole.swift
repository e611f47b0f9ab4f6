import Rules
import Salesforce
import Store

/// What monitoring asks over HTTP, as answers: `/metrics`, `/healthz`, `/readyz`.
package struct RelayConsole: Sendable {
    package struct Answer: Sendable, Equatable {
        package var status: Int
        package var contentType: String
        package var body: String
    }

    private let source: StatusSource
    private let meters: @Sendable () -> [String: DestinationMeter]
    private let labels: @Sendable () -> [String: [RuleLabel]]

    /// - Parameters:
    ///   - meters: by destination.
    ///   - labels: by rule.
    package init(
        source: StatusSource, meters: @escaping @Sendable () -> [String: DestinationMeter],
        labels: @escaping @Sendable () -> [String: [RuleLabel]] = { [:] }
    ) {
        self.source = source
        self.meters = meters
        self.labels = labels
    }

    /// - Parameter path: without its query.
    package func answer(_ path: String) async -> Answer {
        switch path {
        case "/metrics":
            return await report { report in
                Answer(
                    status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8",
                    body: MetricsPage.text(report, meters: meters(), labels: labels()))
            }
        // Alive means: it answers, and so does the store's thread. What is wrong outside is no reason to restart.
        case "/healthz": return await report { _ in Self.text(200, "ok\n") }
        case "/readyz": return await report(Self.readiness)
        default: return Self.text(404, "not found: /metrics, /healthz and /readyz are here\n")
        }
    }

    private func report(_ answer: (StatusReport) -> Answer) async -> Answer {
        do throws(StoreError) {
            return answer(try await source.report())
        } catch {
            return Self.text(503, "\(error)\n")
        }
    }

    /// Ready means: every topic streams (or is parked until there is room, or stands by), what comes can be written, and no stop is under way.
    private static func readiness(_ report: StatusReport) -> Answer {
        var reasons = report.topics.filter { StreamStatus.State(rawValue: $0.state)?.isWell != true }
            .map { "\($0.org) \($0.topic) is \($0.state)\($0.detail.isEmpty ? "" : ": \($0.detail)")" }
        if let failure = report.storeFailure { reasons.append(failure) }
        if report.stopsBy != nil { reasons.append("the relay is stopping") }
        guard !reasons.isEmpty else { return text(200, "ready\n") }
        return text(503, reasons.map { $0 + "\n" }.joined())
    }

    private static func text(_ status: Int, _ body: String) -> Answer {
        Answer(status: status, contentType: "text/plain; charset=utf-8", body: body)
    }
}
