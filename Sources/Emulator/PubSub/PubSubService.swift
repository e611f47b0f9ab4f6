import Events
import Logging

/// The Pub/Sub side as a whole: the org, and every connection to it.
actor PubSubService {
    /// Further connections are closed at once.
    static let maximumConnections = 256

    private struct Peer {
        let connection: PubSubConnection
        /// Bytes for the socket; finished when the connection is to be closed. What waits here is bounded by
        /// HTTP/2 flow control.
        let output: AsyncStream<[UInt8]>.Continuation
    }

    private var org: EmulatedOrg
    private let limits: SubscriptionState.Limits
    private let clock: TimeSource
    private let logger: Logger
    private var peers: [Int: Peer] = [:]
    private var opened = 0
    private var isStopped = false
    private var silentUntil: Duration?
    private var unavailableUntil: Duration?
    private var timer: (deadline: Duration, task: Task<Void, Never>)?

    init(org: EmulatedOrg, limits: SubscriptionState.Limits, clock: TimeSource, logger: Logger) {
        self.org = org
        self.limits = limits
        self.clock = clock
        self.logger = logger
    }

    // MARK: Connections

    /// - Returns: the connection's number, or nil when there are too many or the service has stopped.
    func open(_ output: AsyncStream<[UInt8]>.Continuation) -> Int? {
        guard !isStopped, peers.count < Self.maximumConnections else { return nil }
        opened += 1
        peers[opened] = Peer(connection: PubSubConnection(limits: limits), output: output)
        step()
        return opened
    }

    func receive(_ bytes: [UInt8], from id: Int) {
        guard let peer = peers[id] else { return }
        do {
            try peer.connection.receive(bytes, org: &org, now: now, gate: gate(of: id))
        } catch {
            logger.debug("a Pub/Sub connection does not speak HTTP/2: \(error.reason)")
            flush(id)
            disconnect(id)
        }
        step()
    }

    func closed(_ id: Int) { peers[id] = nil }

    // MARK: The org

    func setInstanceURL(_ url: String) { org.access.instanceURL = url }

    /// Commits changes as one transaction.
    func publish(_ changes: [EmulatedChange]) throws(EmulatorError) {
        try org.commit(changes, now: clock.wall())
        step()
    }

    /// The answer of the token endpoint.
    func token(_ request: TokenRequest) -> HTTPAnswer {
        TokenEndpoint.answer(request, org: &org, now: clock.wall())
    }

    /// Everything below `/services/oauth2`.
    func oauth(_ request: TargetRequest) -> HTTPAnswer {
        let form = FormText.parse(String(decoding: request.body, as: UTF8.self))
        switch (request.method, request.path.split(separator: "/").last ?? "") {
        case ("POST", "token"): return token(TokenRequest(request))
        case ("GET", "userinfo"), ("POST", "userinfo"): return userInfo(bearer: request.bearer)
        case ("GET", "authorize"): return TokenEndpoint.authorize(request.query, org: &org)
        case ("POST", "revoke"): return TokenEndpoint.revoke(form, org: &org)
        case ("POST", "introspect"):
            return TokenEndpoint.introspect(TokenRequest(request), org: org, now: clock.wall())
        default: return .error(404, "Nothing is emulated at \(request.path).")
        }
    }

    /// The answer of the REST API.
    func rest(_ request: TargetRequest) -> HTTPAnswer {
        // The org moves there and back: a copy would be one of every topic's events.
        var endpoint = RESTEndpoint(.nobody, now: clock.wall())
        swap(&endpoint.org, &org)
        let answer = endpoint.answer(request)
        swap(&endpoint.org, &org)
        if !endpoint.touched.isEmpty { step() }
        return answer
    }

    func userInfo(bearer: String?) -> HTTPAnswer { TokenEndpoint.userInfo(bearer: bearer, org: org) }

    func isValid(token: String) -> Bool { org.access.isValid(token: token) }

    /// - Throws: `EmulatorError` when it names something that is not there.
    func perform(_ edit: SalesforceEdit) throws(EmulatorError) {
        try org.perform(edit, now: clock.wall())
        if case .refreshSandbox = edit {
            for peer in peers.values { peer.connection.failAll(.sessionInvalid, org: &org) }
        }
        step()
    }

    func inject(_ fault: PubSubFault) {
        switch fault {
        case .goAway: for peer in peers.values { peer.connection.goAway() }
        case .reset: for peer in peers.values { peer.connection.resetAll() }
        case .disconnect: for id in peers.keys { disconnect(id) }
        case .silence(let duration): silentUntil = clock.monotonic() + duration
        case .unauthenticated:
            org.access.revokeAll()
            for peer in peers.values { peer.connection.failAll(.sessionInvalid, org: &org) }
        case .unavailable(let duration):
            unavailableUntil = clock.monotonic() + duration
            for peer in peers.values { peer.connection.failAll(.serviceUnavailable, org: &org) }
        }
        step()
    }

    /// Ends every connection, and those to come.
    func stop() {
        isStopped = true
        timer?.task.cancel()
        timer = nil
        for id in peers.keys { disconnect(id) }
    }
}

extension PubSubService {
    private var now: PubSubConnection.Moment {
        .init(uptime: clock.monotonic(), wallMilliseconds: clock.wall())
    }

    private var refusal: PubSubFailure? {
        guard let unavailableUntil, clock.monotonic() < unavailableUntil else { return nil }
        return .serviceUnavailable
    }

    private func gate(of id: Int) -> PubSubConnection.Gate {
        let others = peers.lazy.filter { $0.key != id }.map(\.value.connection.managedSubscriptions)
        return .init(refusal: refusal, busy: others.reduce(into: []) { $0.formUnion($1) })
    }

    /// After anything that happened: send what is due, write it, and set the timer for what is due next.
    private func step() {
        let now = now
        let isSilent = silentUntil.map { now.uptime < $0 } ?? false
        for id in peers.keys {
            if !isSilent { peers[id]?.connection.pump(org: &org, now: now) }
            flush(id)
        }
        arm(isSilent ? silentUntil : peers.values.compactMap { $0.connection.deadline }.min())
    }

    private func flush(_ id: Int) {
        guard let peer = peers[id] else { return }
        while true {
            let bytes = peer.connection.bytesToSend()
            if bytes.isEmpty { break }
            peer.output.yield(bytes)
        }
        if peer.connection.isFinished { disconnect(id) }
    }

    private func disconnect(_ id: Int) { peers.removeValue(forKey: id)?.output.finish() }

    /// A timer that is early does no harm: it only sets the next one.
    private func arm(_ deadline: Duration?) {
        guard let deadline else { return }
        if let timer, timer.deadline <= deadline { return }
        timer?.task.cancel()
        timer = (
            deadline,
            Task { [weak self, clock] in
                do { try await clock.sleepUntil(deadline) } catch { return }
                await self?.fire()
            }
        )
    }

    private func fire() {
        timer = nil
        org.purge(now: clock.wall())
        step()
    }
}
