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

    struct Call {
        enum Work {
            /// No message yet.
            case begun
            /// Of a unary call; another one is an error of the client.
            case unary([UInt8])
            case subscription(SubscriptionState)
            case managed(ManagedStream)
            case publishing(PublishStream)
        }

        let path: String
        var work = Work.begun
    }

    struct Moment {
        var uptime: Duration
        var wallMilliseconds: Int64
    }

    /// What stands in the way of new calls.
    struct Gate {
        /// When not nil, every new call fails with it.
        var refusal: PubSubFailure?
        /// IDs of managed subscriptions that other connections have.
        var busy: Set<String> = []
    }

    let session = GRPCServerSession()
    let limits: SubscriptionState.Limits
    var calls: [Int32: Call] = [:]

    init(limits: SubscriptionState.Limits) { self.limits = limits }

    /// Sends what the streams owe their clients now.
    func pump(org: inout EmulatedOrg, now: Moment) {
        for id in calls.keys {
            while session.unsentBytes(on: id) < Self.maximumUnsentBytes, let step = next(on: id, org: &org, now: now) {
                switch step {
                case .respond(let bytes): session.send(bytes, on: id)
                case .close:
                    session.reset(id, code: .noError)
                    calls[id] = nil
                case .fail(let failure): fail(id, path: calls[id]?.path ?? "", failure, rpcID: org.newRPCID())
                }
            }
        }
    }

    private func next(on id: Int32, org: inout EmulatedOrg, now: Moment) -> StreamStep<[UInt8]>? {
        switch calls[id]?.work {
        case .subscription(var state):
            guard let log = log(state.topic, org) else { return .fail(.cannotSubscribe(state.topic)) }
            let step = state.next(from: log, terms: org.terms, now: now.uptime)
            calls[id]?.work = .subscription(state)
            return step?.map { Self.counted($0, &org).encode() }
        case .managed(var stream):
            guard let log = log(stream.topic, org) else { return .fail(.cannotSubscribe(stream.topic)) }
            let step = stream.next(from: log, org: org, now: now.uptime)
            calls[id]?.work = .managed(stream)
            return step?.map { response in
                _ = Self.counted(response.response, &org)
                return response.encode()
            }
        case .publishing(let stream): return stream.isIdle(now: now.uptime) ? .fail(.publishStreamIdle) : nil
        case .begun, .unary, nil: return nil
        }
    }

    /// Nil for a topic whose permission was lost.
    private func log(_ topic: String, _ org: EmulatedOrg) -> TopicLog? {
        org.forbidden.contains(topic) ? nil : org.topics[topic]
    }

    /// Every event that any subscriber gets is one of the org's allocation.
    private static func counted(_ response: FetchResponse, _ org: inout EmulatedOrg) -> FetchResponse {
        org.limits.use(.deliveredEvents, response.events.count)
        return response
    }

    /// What to write now; empty when there is nothing.
    func bytesToSend() -> [UInt8] { session.bytesToSend() }

    var isFinished: Bool { session.isFinished }

    /// IDs of the managed subscriptions that this connection has.
    var managedSubscriptions: Set<String> {
        Set(calls.values.compactMap { if case .managed(let stream) = $0.work { stream.id } else { nil } })
    }

    /// When a stream must say something next. One that waits for the client to read has no such time.
    var deadline: Duration? {
        calls.lazy.filter { [session] in session.unsentBytes(on: $0.key) < Self.maximumUnsentBytes }
            .compactMap { $0.value.deadline }.min()
    }

    func fail(_ id: Int32, path: String, _ failure: PubSubFailure, rpcID: String) {
        calls[id] = nil
        var trailers = GRPCMetadata()
        let method = path.split(separator: "/").last.map(String.init) ?? path
        for (name, value) in failure.trailers(rpcID: rpcID, method: method) { trailers.add(name, value) }
        let code = GRPCStatus.Code(rawValue: failure.status.rawValue) ?? .unknown
        session.finish(id, GRPCStatus(code, failure.text(rpcID: rpcID)), trailers: trailers)
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

extension PubSubConnection.Call {
    fileprivate var deadline: Duration? {
        switch work {
        case .subscription(let state): state.deadline
        case .managed(let stream): stream.deadline
        case .publishing(let stream): stream.deadline
        case .begun, .unary: nil
        }
    }
}

/// The bytes of a connection are not HTTP/2: it must be closed.
struct HTTP2Failure: Error { let reason: String }
