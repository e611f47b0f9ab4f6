/// What stands in the way of a listener: at its export, or at the flow behind it.
///
/// integrator.io ignores what is posted while that flow is disabled, and never replays it.
package struct ListenerActivation: Sendable, Equatable {
    /// What the operator says of a listener.
    package struct Stated: Sendable, Equatable {
        package var export: String
        /// The agreed `pathToRecords`; empty for none.
        package var records: String
        /// `secret_url`, `token`, `hmac` or `basic`.
        package var verification: String

        package init(export: String, records: String = "", verification: String = "secret_url") {
            self.export = export
            self.records = records
            self.verification = verification
        }
    }

    package enum Problem: Sendable, Equatable, CustomStringConvertible {
        case notAListener(export: String)
        case disabled(flow: String)
        case abstract(flow: String)
        /// Of the flow's first step.
        case offline(connection: String, flow: String)
        case noFlow
        case otherRecords(theirs: String, stated: String)
        case otherVerification(theirs: String, stated: String)

        /// What is posted now would be lost.
        package var blocks: Bool {
            switch self {
            case .notAListener, .disabled, .abstract, .offline, .noFlow: true
            case .otherRecords, .otherVerification: false
            }
        }

        package var description: String {
            switch self {
            case .notAListener(let export): "export \(export) is no webhook listener"
            case .disabled(let flow): "its flow '\(flow)' is disabled: what is posted is lost"
            case .abstract(let flow): "its flow '\(flow)' is abstract, a template for other flows: it takes nothing"
            case .offline(let connection, let flow):
                "connection '\(connection)' behind it is offline: its flow '\(flow)' cannot take anything"
            case .noFlow: "no flow uses its export: what is posted is lost"
            case .otherRecords(let theirs, let stated):
                "its path to records is '\(theirs)', the rule file says '\(stated)'"
            case .otherVerification(let theirs, let stated):
                "it verifies its callers by \(theirs), the rule file by \(stated)"
            }
        }

        package var advice: String {
            switch self {
            case .notAListener: "Name the listener's export."
            case .disabled: "Enable the flow in integrator.io."
            case .abstract: "Name the listener of a flow that runs."
            case .offline: "Mend the connection in integrator.io."
            case .noFlow: "Make the export the source of a flow, and enable it."
            case .otherRecords: "Make both the same, or records are cut wrongly."
            case .otherVerification: "Make both the same, or every post is refused with 401."
            }
        }
    }

    /// Of the export.
    package var name: String
    /// IDs of the flows that have it as a source.
    package var flows: [String]
    package var problems: [Problem] = []

    package var obstacle: Problem? { problems.first(where: \.blocks) }

    package init(name: String, flows: [String], problems: [Problem] = []) {
        self.name = name
        self.flows = flows
        self.problems = problems
    }

    /// Asks integrator.io about the export, the flows that it is a source of, and the connection of their first step.
    ///
    /// - Parameter known: the export's flows as found before; all flows of the account are listed only if these will
    ///   not do.
    package init(
        _ client: IntegratorClient, _ stated: Stated, known: [String] = []
    ) async throws(IntegratorFailure) {
        let export = try await client.export(stated.export)
        name = export.name
        flows = []
        guard export.isListener else {
            problems = [.notAListener(export: stated.export)]
            return
        }
        problems = Self.differences(export, stated)
        let found = try await Self.flows(client, of: stated.export, known)
        flows = found.map(\.id)
        if let problem = try await Self.problem(client, found) { problems.append(problem) }
    }

    private static func differences(_ export: IntegratorExport, _ stated: Stated) -> [Problem] {
        var problems: [Problem] = []
        let theirs = export.pathToRecords ?? ""
        if theirs != stated.records { problems.append(.otherRecords(theirs: theirs, stated: stated.records)) }
        // Providers' own ways of verification cannot be compared.
        if let wanted = export.verification, ["secret_url", "token", "hmac", "basic"].contains(wanted),
            wanted != stated.verification
        {
            problems.append(.otherVerification(theirs: wanted, stated: stated.verification))
        }
        return problems
    }

    private static func flows(
        _ client: IntegratorClient, of export: String, _ known: [String]
    ) async throws(IntegratorFailure) -> [IntegratorFlow] {
        var flows: [IntegratorFlow] = []
        for id in known {
            do throws(IntegratorFailure) {
                flows.append(try await client.flow(id))
            } catch where error.kind == .missing {
                continue
            }
        }
        flows.removeAll { !$0.exports.contains(export) }
        if flows.contains(where: \.isRunning) { return flows }
        return try await client.flows().content.filter { $0.exports.contains(export) }
    }

    /// One flow that takes what is posted will do.
    private static func problem(
        _ client: IntegratorClient, _ flows: [IntegratorFlow]
    ) async throws(IntegratorFailure) -> Problem? {
        guard let first = flows.first else { return .noFlow }
        guard flows.contains(where: \.isRunning) else {
            let disabled = flows.first(where: \.disabled)
            return disabled.map { .disabled(flow: $0.name) } ?? .abstract(flow: first.name)
        }
        var problem: Problem?
        for flow in flows where flow.isRunning {
            guard let connection = try await offline(client, flow) else { return nil }
            problem = problem ?? .offline(connection: connection, flow: flow.name)
        }
        return problem
    }

    private static func offline(
        _ client: IntegratorClient, _ flow: IntegratorFlow
    ) async throws(IntegratorFailure) -> String? {
        var first = flow
        first.exports = []
        first.steps = Array(flow.steps.prefix(1))
        do throws(IntegratorFailure) {
            for id in try await client.connections(of: first) {
                let connection = try await client.connection(id)
                if connection.offline { return connection.name }
            }
            return nil
        } catch where error.kind == .scope || error.kind == .missing {
            // A token that may read flows only will do.
            return nil
        }
    }
}

extension IntegratorFlow {
    fileprivate var isRunning: Bool { !disabled && !isAbstract }
}
