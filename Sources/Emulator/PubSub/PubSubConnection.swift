import Events
import GRPC
import PubSub

/// One client connection: its HTTP/2 session and the calls on it.
///
/// It decides nothing about events (`SubscriptionState`, `EmulatedOrg` do) and owns no socket: bytes in, bytes out.
/// Not Sendable; `PubSubService` owns it.
final class PubSubConnection {
    /// A stream with more than this held back by flow control gets no further events.
    static let maximumUnsentBytes = 4 << 20

    private struct Call {
        let path: String
        /// Set by the first request of a Subscribe.
        var subscription: SubscriptionState?
        /// Unary only: more than one message is an error of the client.
        var message: [UInt8]?
    }

    struct Moment {
        var uptime: Duration
        var wallMilliseconds: Int64
    }

    private let session = GRPCServerSession()
    private let limits: SubscriptionState.Limits
    private var calls: [Int32: Call] = [:]

    init(limits: SubscriptionState.Limits) { self.limits = limits }

    /// Feeds bytes from the client.
    ///
    /// - Parameter refusal: when not nil, every new call fails with it.
    /// - Returns: true if something was published, so that other connections have something to send.
    func receive(
        _ bytes: [UInt8], org: inout EmulatedOrg, now: Moment, refusal: PubSubFailure?
    ) throws(HTTP2Failure) -> Bool {
        var published = false
        let events: [GRPCServerEvent]
        do { events = try session.receive(bytes) } catch { throw HTTP2Failure(reason: "\(error)") }
        for event in events {
            switch event {
            case .rpcStarted(let id, let path, let metadata):
                start(id, path: path, metadata: metadata, org: &org, refusal: refusal)
            case .message(let id, let bytes):
                published = message(bytes, on: id, org: &org, now: now) || published
            case .halfClosed(let id): published = halfClosed(id, org: &org, now: now) || published
            case .cancelled(let id, _): calls[id] = nil
            case .pingAcknowledged, .goAwayReceived: break
            }
        }
        return published
    }

    /// Sends what the subscriptions owe their clients now.
    func pump(org: EmulatedOrg, now: Moment) {
        for (id, call) in calls {
            guard var state = call.subscription, let log = org.topics[state.topic] else { continue }
            let isOpen = send(to: id, from: log, &state, now: now)
            calls[id] = isOpen ? Call(path: call.path, subscription: state) : nil
        }
    }

    /// - Returns: false once the stream is closed.
    private func send(to id: Int32, from log: TopicLog, _ state: inout SubscriptionState, now: Moment) -> Bool {
        while session.unsentBytes(on: id) < Self.maximumUnsentBytes,
            let step = state.next(from: log, now: now.uptime)
        {
            switch step {
            case .respond(let response): session.send(response.encode(), on: id)
            case .close:
                session.reset(id, code: .noError)
                return false
            }
        }
        return true
    }

    /// What to write now; empty when there is nothing.
    func bytesToSend() -> [UInt8] { session.bytesToSend() }

    var isFinished: Bool { session.isFinished }

    /// When a subscription must say something next. One that waits for the client to read has no such time.
    var deadline: Duration? {
        calls.lazy.filter { [session] in session.unsentBytes(on: $0.key) < Self.maximumUnsentBytes }
            .compactMap { $0.value.subscription?.deadline }.min()
    }

    // MARK: Faults

    func failAll(_ failure: PubSubFailure, org: inout EmulatedOrg) {
        for (id, call) in calls { fail(id, path: call.path, failure, rpcID: org.newRPCID()) }
    }

    func resetAll() {
        for id in calls.keys { session.reset(id, code: .noError) }
        calls.removeAll()
    }

    func goAway() {
        session.goAway()
        resetAll()
    }
}

/// The bytes of a connection are not HTTP/2: it must be closed.
struct HTTP2Failure: Error { let reason: String }

extension PubSubConnection {
    private func start(
        _ id: Int32, path: String, metadata: GRPCMetadata, org: inout EmulatedOrg, refusal: PubSubFailure?
    ) {
        let known = [
            PubSubMethod.subscribe, PubSubMethod.getTopic, PubSubMethod.getSchema, PubSubMethod.publish,
            PubSubMethod.publishStream,
        ]
        guard known.contains(path) else {
            session.finish(id, GRPCStatus(.unimplemented, "unknown method \(path)"))
            return
        }
        do throws(PubSubFailure) {
            if let refusal { throw refusal }
            try org.access.check { metadata[$0] }
            calls[id] = Call(path: path)
        } catch {
            fail(id, path: path, error, rpcID: org.newRPCID())
        }
    }

    private func message(_ bytes: [UInt8], on id: Int32, org: inout EmulatedOrg, now: Moment) -> Bool {
        guard let call = calls[id] else { return false }
        do throws(PubSubFailure) {
            switch call.path {
            case PubSubMethod.subscribe: try fetch(bytes, on: id, org: &org, now: now)
            case PubSubMethod.publishStream:
                session.send(try publish(bytes, org: &org, now: now), on: id)
                return true
            default: calls[id]?.message = bytes
            }
        } catch {
            fail(id, path: call.path, error, rpcID: org.newRPCID())
        }
        return false
    }

    private func fetch(_ bytes: [UInt8], on id: Int32, org: inout EmulatedOrg, now: Moment) throws(PubSubFailure) {
        let request = try decoded { () throws(WireFormatError) in try FetchRequest(decoding: bytes) }
        if calls[id]?.subscription != nil {
            try calls[id]?.subscription?.add(request)
        } else {
            let log = try org.log(request.topicName)
            calls[id]?.subscription = try SubscriptionState(
                first: request, log: log, rpcID: org.newRPCID(), limits: limits, now: now.uptime)
            session.sendInitialMetadata(on: id)
        }
    }

    /// The end of a unary request, or of a stream whose client wants no more.
    private func halfClosed(_ id: Int32, org: inout EmulatedOrg, now: Moment) -> Bool {
        guard let call = calls.removeValue(forKey: id) else { return false }
        guard let message = call.message else {
            let isStream = call.path == PubSubMethod.subscribe || call.path == PubSubMethod.publishStream
            session.finish(id, isStream ? GRPCStatus(.ok) : GRPCStatus(.internal, "the request has no message"))
            return false
        }
        do throws(PubSubFailure) {
            session.send(try answer(call.path, message, org: &org, now: now), on: id)
            session.finish(id)
        } catch {
            fail(id, path: call.path, error, rpcID: org.newRPCID())
        }
        return call.path == PubSubMethod.publish
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
        default: return try publish(message, org: &org, now: now)
        }
    }

    private func publish(_ bytes: [UInt8], org: inout EmulatedOrg, now: Moment) throws(PubSubFailure) -> [UInt8] {
        let request = try decoded { () throws(WireFormatError) in try PublishRequest(decoding: bytes) }
        return try org.publish(request, now: now.wallMilliseconds).encode()
    }

    private func decoded<Message>(
        _ decode: () throws(WireFormatError) -> Message
    ) throws(PubSubFailure) -> Message {
        do { return try decode() } catch { throw .badMessage }
    }

    private func fail(_ id: Int32, path: String, _ failure: PubSubFailure, rpcID: String) {
        calls[id] = nil
        var trailers = GRPCMetadata()
        let method = path.split(separator: "/").last.map(String.init) ?? path
        for (name, value) in failure.trailers(rpcID: rpcID, method: method) { trailers.add(name, value) }
        let code = GRPCStatus.Code(rawValue: failure.status.rawValue) ?? .unknown
        session.finish(id, GRPCStatus(code, failure.text(rpcID: rpcID)), trailers: trailers)
    }
}
