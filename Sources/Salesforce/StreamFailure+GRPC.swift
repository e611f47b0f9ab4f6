import GRPC

extension StreamFailure {
    /// Decided by the `error-code` trailer, then by what broke the connection, then by the gRPC status: but only one
    /// that the service itself gave. What a proxy or a load balancer answers in its place passes.
    init(_ error: GRPCError) {
        let reaction = error.errorCode.flatMap(ErrorCode.reaction) ?? Self.transport(error) ?? Self.ours(error)
            ?? Self.stranger(error) ?? Self.status(error)
        self.init(reaction: reaction, reason: Self.reason(error), rpcID: error.rpcID)
        let code = error.errorCode.map(ErrorCode.shortened)
        isStandBy = code == ErrorCode.standBy
        isWithoutTLS = error.underlying?.kind == .notTLS
        mayBeProxys = code == nil && error.origin == .peer && [.permissionDenied, .unimplemented].contains(error.code)
        needsPerson = code.map(ErrorCode.forPersons.contains) ?? isWithoutTLS
    }

    private static func reason(_ error: GRPCError) -> String {
        if let underlying = error.underlying { return "\(underlying)" }
        let name = error.code.name
        if let meaning = error.errorCode.flatMap(ErrorCode.meaning) { return meaning }
        if let code = error.errorCode { return "\(ErrorCode.shortened(code)) (\(name))" }
        return error.message.isEmpty ? name : "\(name): \(error.message)"
    }

    private static func transport(_ error: GRPCError) -> Reaction? {
        guard let kind = error.underlying?.kind else { return nil }
        switch kind {
        case .badURL: return .stopTopic(fix: "Check pubsub.endpoint in sluice.yaml: host:port.")
        // A file that is being replaced comes back.
        case .certificate, .localFile: return .reconnect(minimum: ErrorCode.serviceWait)
        default: return .reconnect(minimum: .zero)
        }
    }

    /// A limit of ours, or an answer that cannot be read: not an opinion of the service about the topic.
    private static func ours(_ error: GRPCError) -> Reaction? {
        guard error.origin == .us else { return nil }
        return .reconnect(minimum: error.code == .cancelled ? .zero : ErrorCode.serviceWait)
    }

    private static func stranger(_ error: GRPCError) -> Reaction? {
        guard error.origin == .peer, error.trailers["grpc-status"] == nil else { return nil }
        switch error.code {
        case .unauthenticated: return .renewSession
        case .permissionDenied, .unimplemented: return .reconnect(minimum: ErrorCode.limitWait)
        case .unknown, .resourceExhausted: return .reconnect(minimum: ErrorCode.serviceWait)
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
