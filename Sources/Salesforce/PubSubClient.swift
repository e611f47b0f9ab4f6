import Events
import GRPC
import PubSub

/// The Pub/Sub API of one org. One HTTP/2 connection carries all its calls and topics.
package struct PubSubClient: PubSubConnection {
    /// For unary calls; a subscription has no deadline.
    static let deadline: Duration = .seconds(20)

    private let connection: GRPCConnection

    package init(connection: GRPCConnection) { self.connection = connection }

    package func subscribe(_ session: Session) async throws(StreamFailure) -> any FetchStream {
        do throws(GRPCError) {
            return GRPCFetchStream(
                stream: try await connection.open(path: PubSubMethod.subscribe, metadata: metadata(session)))
        } catch {
            throw StreamFailure(error)
        }
    }

    package func subscribe(
        _ session: Session, managed: ManagedSubscription
    ) async throws(StreamFailure) -> any ManagedFetchStream {
        do throws(GRPCError) {
            return GRPCManagedStream(
                stream: try await connection.open(path: PubSubMethod.managedSubscribe, metadata: metadata(session)),
                subscription: managed)
        } catch {
            throw StreamFailure(error)
        }
    }

    /// Requests and answers in one order, one answer for each request.
    func publishStream(_ session: Session) async throws(StreamFailure) -> GRPCStream {
        do throws(GRPCError) {
            return try await connection.open(path: PubSubMethod.publishStream, metadata: metadata(session))
        } catch {
            throw StreamFailure(error)
        }
    }

    package func topic(_ name: String, _ session: Session) async throws(StreamFailure) -> TopicInfo {
        let bytes: [UInt8]
        do throws(StreamFailure) {
            bytes = try await unary(PubSubMethod.getTopic, TopicRequest(topicName: name).encode(), session)
        } catch {
            throw error.about(topic: name)
        }
        return try decoded { () throws(WireFormatError) in try TopicInfo(decoding: bytes) }
    }

    package func schema(_ id: String, _ session: Session) async throws(StreamFailure) -> SchemaInfo {
        let bytes = try await unary(PubSubMethod.getSchema, SchemaRequest(schemaID: id).encode(), session)
        return try decoded { () throws(WireFormatError) in try SchemaInfo(decoding: bytes) }
    }

    package func publish(
        _ request: PublishRequest, _ session: Session
    ) async throws(StreamFailure) -> PublishResponse {
        let bytes = try await unary(PubSubMethod.publish, request.encode(), session)
        return try decoded { () throws(WireFormatError) in try PublishResponse(decoding: bytes) }
    }

    package func close() async { await connection.close() }

    private func unary(_ path: String, _ message: [UInt8], _ session: Session) async throws(StreamFailure) -> [UInt8] {
        do throws(GRPCError) {
            return try await connection.unary(
                path: path, message: message, metadata: metadata(session), deadline: Self.deadline
            ).message
        } catch {
            throw StreamFailure(error)
        }
    }

    /// Salesforce asks for these on every call. Names are lower case on the wire.
    private func metadata(_ session: Session) -> GRPCMetadata {
        [
            "accesstoken": session.accessToken.exposed, "instanceurl": session.instanceURL,
            "tenantid": session.orgID.description,
        ]
    }
}

private struct GRPCFetchStream: FetchStream {
    let stream: GRPCStream

    func request(_ request: FetchRequest) async throws(StreamFailure) {
        // More credit is asked for at every turn, and nobody has to wait until it is on its way.
        guard !request.topicName.isEmpty else { return stream.post(request.encode()) }
        do throws(GRPCError) {
            try await stream.send(request.encode())
        } catch {
            throw StreamFailure(error)
        }
    }

    func next() async throws(StreamFailure) -> FetchedBatch? {
        let message: [UInt8]?
        do throws(GRPCError) {
            message = try await stream.next()
        } catch {
            throw StreamFailure(error)
        }
        guard let bytes = message else { return nil }
        let response = try decoded { () throws(WireFormatError) in try FetchResponse(decoding: bytes) }
        return FetchedBatch(response: response, bytes: bytes)
    }

    func cancel() async { await stream.cancel() }

    func abandon() async { await stream.abandon() }
}

private struct GRPCManagedStream: ManagedFetchStream {
    let stream: GRPCStream
    let subscription: ManagedSubscription

    /// Where it starts is Salesforce's affair: at the position that was committed last.
    func request(_ request: FetchRequest) async throws(StreamFailure) {
        guard !request.topicName.isEmpty else {
            return stream.post(ManagedFetchRequest(numRequested: request.numRequested).encode())
        }
        try await send(subscription.start(credit: request.numRequested))
    }

    func commit(_ request: CommitReplayRequest) async throws(StreamFailure) {
        try await send(ManagedFetchRequest(numRequested: 0, commit: request))
    }

    func next() async throws(StreamFailure) -> FetchedBatch? {
        let message: [UInt8]?
        do throws(GRPCError) {
            message = try await stream.next()
        } catch {
            throw StreamFailure(error)
        }
        guard let bytes = message else { return nil }
        let managed = try decoded { () throws(WireFormatError) in try ManagedFetchResponse(decoding: bytes) }
        // Journals hold FetchResponses, whose fields are the first ones of this.
        var batch = FetchedBatch(response: managed.response, bytes: bytes)
        batch.commit = managed.commit
        batch.isOnlyCommit = managed.isOnlyCommit
        return batch
    }

    func cancel() async { await stream.cancel() }

    func abandon() async { await stream.abandon() }

    private func send(_ request: ManagedFetchRequest) async throws(StreamFailure) {
        do throws(GRPCError) {
            try await stream.send(request.encode())
        } catch {
            throw StreamFailure(error)
        }
    }
}

func decoded<Message>(_ read: () throws(WireFormatError) -> Message) throws(StreamFailure) -> Message {
    do throws(WireFormatError) {
        return try read()
    } catch {
        throw StreamFailure(reaction: .reconnect(minimum: ErrorCode.serviceWait), reason: "\(error)")
    }
}
