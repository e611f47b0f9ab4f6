import Events
import GRPC
import PubSub

/// What comes in.
extension PubSubConnection {
    private static let streams: Set<String> = [
        PubSubMethod.subscribe, PubSubMethod.managedSubscribe, PubSubMethod.publishStream,
    ]
    private static let unary: Set<String> = [PubSubMethod.getTopic, PubSubMethod.getSchema, PubSubMethod.publish]

    /// Feeds bytes from the client.
    func receive(_ bytes: [UInt8], org: inout EmulatedOrg, now: Moment, gate: Gate) throws(HTTP2Failure) {
        let events: [GRPCServerEvent]
        do { events = try session.receive(bytes) } catch { throw HTTP2Failure(reason: "\(error)") }
        for event in events {
            switch event {
            case .rpcStarted(let id, let path, let metadata):
                start(id, path: path, metadata: metadata, org: &org, now: now, refusal: gate.refusal)
            case .message(let id, let bytes): message(bytes, on: id, org: &org, now: now, busy: gate.busy)
            case .halfClosed(let id): halfClosed(id, org: &org, now: now)
            case .cancelled(let id, _): calls[id] = nil
            case .pingAcknowledged, .goAwayReceived: break
            }
        }
    }

    private func start(
        _ id: Int32, path: String, metadata: GRPCMetadata, org: inout EmulatedOrg, now: Moment, refusal: PubSubFailure?
    ) {
        guard Self.streams.contains(path) || Self.unary.contains(path) else {
            session.finish(id, GRPCStatus(.unimplemented, "unknown method \(path)"))
            return
        }
        do throws(PubSubFailure) {
            if let refusal { throw refusal }
            try org.access.check { metadata[$0] }
            let isPublishing = path == PubSubMethod.publishStream
            calls[id] = Call(path: path, work: isPublishing ? .publishing(PublishStream(now: now.uptime)) : .begun)
        } catch {
            fail(id, path: path, error, rpcID: org.newRPCID())
        }
    }

    private func message(_ bytes: [UInt8], on id: Int32, org: inout EmulatedOrg, now: Moment, busy: Set<String>) {
        guard let call = calls[id] else { return }
        do throws(PubSubFailure) {
            switch (call.path, call.work) {
            case (_, .publishing(let stream)): try publish(bytes, stream, on: id, org: &org, now: now)
            case (PubSubMethod.subscribe, let work): try fetch(bytes, work, on: id, org: &org, now: now)
            case (PubSubMethod.managedSubscribe, let work):
                try fetchManaged(bytes, work, on: id, org: &org, now: now, busy: busy)
            default: calls[id]?.work = .unary(bytes)
            }
        } catch {
            fail(id, path: call.path, error, rpcID: org.newRPCID())
        }
    }

    private func fetch(
        _ bytes: [UInt8], _ work: Call.Work, on id: Int32, org: inout EmulatedOrg, now: Moment
    ) throws(PubSubFailure) {
        let request = try decoded { () throws(WireFormatError) in try FetchRequest(decoding: bytes) }
        if case .subscription(var state) = work {
            try state.add(request)
            calls[id]?.work = .subscription(state)
        } else {
            let log = try org.log(request.topicName)
            calls[id]?.work = .subscription(
                try SubscriptionState(
                    first: request, log: log, rpcID: org.newRPCID(), limits: limits, now: now.uptime))
            session.sendInitialMetadata(on: id)
        }
    }

    private func fetchManaged(
        _ bytes: [UInt8], _ work: Call.Work, on id: Int32, org: inout EmulatedOrg, now: Moment, busy: Set<String>
    ) throws(PubSubFailure) {
        let request = try decoded { () throws(WireFormatError) in try ManagedFetchRequest(decoding: bytes) }
        if case .managed(var stream) = work {
            try stream.add(request, org: &org, now: now.wallMilliseconds)
            calls[id]?.work = .managed(stream)
        } else {
            let taken = busy.union(managedSubscriptions)
            let rpcID = org.newRPCID()
            calls[id]?.work = .managed(
                try ManagedStream(
                    first: request, org: org, rpcID: rpcID, limits: limits, now: now.uptime, isBusy: taken.contains))
            session.sendInitialMetadata(on: id)
        }
    }

    /// Each request has one response, in order.
    private func publish(
        _ bytes: [UInt8], _ stream: PublishStream, on id: Int32, org: inout EmulatedOrg, now: Moment
    ) throws(PubSubFailure) {
        var stream = stream
        let request = try decoded { () throws(WireFormatError) in try PublishRequest(decoding: bytes) }
        let response = try org.publish(try stream.accept(request, now: now.uptime), now: now.wallMilliseconds)
        calls[id]?.work = .publishing(stream)
        session.send(response.encode(), on: id)
    }

    /// The end of a unary request, or of a stream whose client wants no more.
    private func halfClosed(_ id: Int32, org: inout EmulatedOrg, now: Moment) {
        guard let call = calls.removeValue(forKey: id) else { return }
        guard case .unary(let message) = call.work else {
            let isStream = Self.streams.contains(call.path)
            session.finish(id, isStream ? GRPCStatus(.ok) : GRPCStatus(.internal, "the request has no message"))
            return
        }
        do throws(PubSubFailure) {
            session.send(try answer(call.path, message, org: &org, now: now), on: id)
            session.finish(id)
        } catch {
            fail(id, path: call.path, error, rpcID: org.newRPCID())
        }
    }

    private func answer(
        _ path: String, _ message: [UInt8], org: inout EmulatedOrg, now: Moment
    ) throws(PubSubFailure) -> [UInt8] {
        switch path {
        case PubSubMethod.getTopic:
            let request = try decoded { () throws(WireFormatError) in try TopicRequest(decoding: message) }
            return try org.topicInfo(request).encode()
        case PubSubMethod.getSchema:
            let request = try decoded { () throws(WireFormatError) in try SchemaRequest(decoding: message) }
            return try org.schemaInfo(request).encode()
        default:
            let request = try decoded { () throws(WireFormatError) in try PublishRequest(decoding: message) }
            return try org.publish(request, now: now.wallMilliseconds).encode()
        }
    }

    private func decoded<Message>(
        _ decode: () throws(WireFormatError) -> Message
    ) throws(PubSubFailure) -> Message {
        do { return try decode() } catch { throw .badMessage }
    }
}
