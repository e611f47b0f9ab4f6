/// What stands in the way of running a flow, or makes the run other than expected.
package struct FlowActivation: Sendable, Equatable {
    package struct Finding: Sendable, Equatable, CustomStringConvertible {
        package enum Problem: Sendable, Equatable {
            case abstract
            case disabled
            case noSuchSource
            /// A listener or distributed source: it waits for others, and cannot be run.
            case passiveSource(type: String)
            case windowIgnored
            case offline(name: String)
        }

        package enum Effect: Sendable, Equatable {
            /// No run can start.
            case blocks
            /// Runs stay queued until it changes, and then go on by themselves.
            case waits
            /// Runs do something else than the window says.
            case warns
        }

        /// ID of the flow, export or connection.
        package var subject: String
        package var problem: Problem

        package var effect: Effect {
            switch problem {
            case .abstract, .disabled, .noSuchSource, .passiveSource: .blocks
            case .offline: .waits
            case .windowIgnored: .warns
            }
        }

        package var description: String {
            switch problem {
            case .abstract: "flow \(subject) is abstract: a template for other flows"
            case .disabled: "flow \(subject) is disabled; enable it first"
            case .noSuchSource: "the flow has no source \(subject)"
            case .passiveSource(let type): "source \(subject) is a \(type) export, which waits for others to call it"
            case .windowIgnored: "source \(subject) ignores the date window: every run exports everything"
            case .offline(let name): "connection \(subject) ('\(name)') is offline: runs stay queued until it is back"
            }
        }
    }

    package var flow: IntegratorFlow
    package var findings: [Finding] = []

    package var isBlocked: Bool { findings.contains { $0.effect == .blocks } }

    private mutating func find(_ subject: String, _ problem: Finding.Problem) {
        findings.append(Finding(subject: subject, problem: problem))
    }

    /// Asks integrator.io about the flow, its sources, and the connections of the sources and the first step.
    ///
    /// - Parameter exports: sources to run; empty means all.
    package init(
        _ client: IntegratorClient, flow id: String, exports: [String] = []
    ) async throws(IntegratorFailure) {
        self = try await FlowActivation(client, of: try await client.flow(id), exports: exports)
    }

    /// - Parameter flow: as read right now.
    package init(
        _ client: IntegratorClient, of flow: IntegratorFlow, exports: [String] = []
    ) async throws(IntegratorFailure) {
        self.flow = flow
        let id = flow.id
        if flow.isAbstract { find(id, .abstract) }
        if flow.disabled { find(id, .disabled) }
        for stranger in exports where !flow.exports.contains(stranger) { find(stranger, .noSuchSource) }
        var connections: [String] = []
        for export in flow.exports where exports.isEmpty || exports.contains(export) {
            let source = try await client.export(export)
            if source.isListener || source.type == "distributed" {
                find(export, .passiveSource(type: source.type))
            } else if !source.honoursWindow {
                find(export, .windowIgnored)
            }
            connections += [source.connection].compactMap(\.self)
        }
        var first = flow
        first.exports = []
        first.steps = Array(flow.steps.prefix(1))
        connections += try await client.connections(of: first)
        var seen: Set<String> = []
        for id in connections where seen.insert(id).inserted {
            let connection = try await client.connection(id)
            if connection.offline { find(id, .offline(name: connection.name)) }
        }
    }
}
