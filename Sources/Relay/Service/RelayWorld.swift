import Curl
import Dispatch
import Events
import GRPC
import Salesforce
import Settings

/// What a relay takes from outside, beside its store and its HTTP client. A simulation puts its own in the place of
/// each.
package struct RelayWorld: Sendable {
    package var time = TimeSource.system
    package var limits = DispatchLimits()
    /// Where the outbox runs, and what an attempt visits: most of an attempt is waiting for its request.
    package var attempts = IOThread.executors
    /// The Pub/Sub API of one org.
    package var pubsub: @Sendable (OrgConfiguration) -> any PubSubConnection = {
        PubSubClient(connection: GRPCConnection(endpoint: $0.pubsub.endpoint))
    }
    /// Runs long work on a thread that events do not need: compiling many rules takes a second.
    package var beside: @Sendable (_ work: @escaping @Sendable () -> Void) -> Void = { work in
        Self.queue.async(execute: work)
    }

    private static let queue = DispatchQueue(label: "rules", qos: .utility)

    package init() {}
}
