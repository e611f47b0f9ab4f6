import FlowMate
import IntegratorIO
import Rules

/// How the API of a FlowMate or integrator.io destination is reached, for those who make its calls without a sink.
package enum PlatformAccess {
    /// - Throws: the first thing that is wrong with address, credential or TLS.
    package static func flowMate(
        _ destination: Destination, _ environment: SinkEnvironment
    ) throws(SinkFinding) -> FlowMateSettings {
        try parts(destination, environment).flowMate(destination, environment)
    }

    /// - Throws: the first thing that is wrong with address, credential or TLS.
    package static func integrator(
        _ destination: Destination, _ environment: SinkEnvironment
    ) throws(SinkFinding) -> IntegratorSettings {
        try parts(destination, environment).integrator(destination, environment)
    }

    /// What is wrong with listeners and signatures is no obstacle to the API's calls.
    private static func parts(
        _ destination: Destination, _ environment: SinkEnvironment
    ) throws(SinkFinding) -> DestinationParts {
        let parts = DestinationParts(destination, secrets: environment.secrets)
        let obstacle = parts.findings.first { $0.key != "sign" && !$0.key.hasPrefix("listeners.") }
        if let obstacle { throw obstacle }
        return parts
    }
}
