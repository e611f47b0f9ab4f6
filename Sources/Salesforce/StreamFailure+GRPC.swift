import GRPC

extension StreamFailure {
    /// Decided by the `error-code` trailer, then by what broke the connection, then by the gRPC status.
    init(_ error: GRPCError) {
        let reaction = error.errorCode.flatMap(ErrorCode.reaction) ?? Self.transport(error) ?? Self.status(error)
        self.init(reaction: reaction, reason: Self.reason(error), rpcID: error.rpcID)
    }

    private static func reason(_ error: GRPCError) -> String {
        if let underlying = error.underlying { return "\(underlying)" }
        let name = error.code.name
        if let code = error.errorCode { return "\(ErrorCode.shortened(code)) (\(name))" }
        return error.message.isEmpty ? name : "\(name): \(error.message)"
    }

    private static func transport(_ error: GRPCError) -> Reaction? {
        guard let kind = error.underlying?.kind else { return nil }
        switch kind {
        case .badURL: return .stopTopic(fix: "Check pubsub.endpoint in sluice.yaml: host:port.")
        case .localFile: return .stopTopic(fix: "Check the files named in the org's pubsub settings.")
        case .certificate: return .reconnect(minimum: ErrorCode.serviceWait)
        default: return .reconnect(minimum: .zero)
        }
    }

    private static func status(_ error: GRPCError) -> Reaction {
        switch error.code {
        case .unauthenticated: .renewSession
        case .permissionDenied:
            .stopTopic(fix: "Give the Run As user access to the topic's event or object, by a permission set.")
        case .notFound:
            .stopTopic(
                fix: "Check the spelling (it is case-sensitive), and select the object in Setup > Change Data Capture.")
        case .unimplemented:
            .stopTopic(fix: "Check pubsub.endpoint: this server does not speak the Pub/Sub API.")
        case .invalidArgument, .outOfRange, .failedPrecondition:
            .stopTopic(fix: "Salesforce did not accept the request; report it with the log line.")
        case .resourceExhausted: .reconnect(minimum: ErrorCode.serviceWait)
        default: .reconnect(minimum: .zero)
        }
    }
}
