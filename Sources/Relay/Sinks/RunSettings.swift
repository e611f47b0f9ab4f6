import IntegratorIO
import Rules

/// How the API of an integrator.io destination is reached, for those who make its calls without a `FlowRunner`.
package enum RunSettings {
    /// - Returns: nil if a secret is missing or the address will not do; `SinkFactory.make` says which.
    package static func make(_ destination: Destination, _ environment: SinkEnvironment) -> IntegratorSettings? {
        let parts = DestinationParts(destination, secrets: environment.secrets)
        guard destination.kind == .integrator, parts.findings.isEmpty else { return nil }
        return parts.integrator(destination, environment)
    }
}
