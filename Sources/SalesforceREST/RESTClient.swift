import Curl
import Events
import Salesforce

/// The REST API of one org: signs in, keeps to the limits, tries again what may be tried again.
///
/// Share one: the limits are counted in it. A call whose task is cancelled is broken off.
package struct RESTClient: Sendable {
    package let options: RESTOptions
    private let authenticator: Authenticator
    private let http: any HTTPClient
    private let gate: CallGate
    let time: TimeSource
    private var isImpatient = false
    /// For each call, if it is shorter than the call's own.
    private var timeout: Duration?

    package init(
        authenticator: Authenticator, http: any HTTPClient, options: RESTOptions = RESTOptions(),
        time: TimeSource = .system
    ) {
        self.authenticator = authenticator
        self.http = http
        self.options = options
        self.time = time
        gate = CallGate(CallBudget(share: options.dailyShare, concurrency: options.concurrency), time: time)
    }

    /// The org's calls in 24 hours as the last answer told them; nil before the first.
    package var usage: APIUsage? {
        get async { await gate.usage }
    }

    /// By how many milliseconds our clock is certainly ahead of Salesforce's, as its answers told in the last minutes.
    package var clockLead: Int64 {
        get async { await gate.clockLead }
    }

    /// As this one, but a call that fails is not made again, and none waits for a limit: for those who hold something up
    /// meanwhile, and wait elsewhere.
    ///
    /// - Parameter timeout: for each call.
    package func impatient(timeout: Duration? = nil) -> RESTClient {
        var client = self
        client.isImpatient = true
        client.timeout = timeout
        return client
    }

    /// - Returns: an answer of 2xx, 304 to a conditional request, or one of the call's `alsoWanted`.
    package func send(_ call: RESTCall) async throws(RESTError) -> RESTAnswer {
        var retry = RESTRetry()
        var patience = isImpatient ? .zero : options.patience
        var generator = SystemRandomNumberGenerator()
        var session = try await session(for: call)
        var refusal: RESTError?
        while true {
            try await enter(call, after: refusal, &patience)
            let result = await attempt(call, session)
            guard case .failure(let error) = result else { return try result.get() }
            switch retry.next(after: error, isRepeatable: call.isRepeatable, using: &generator) {
            case .giveUp: throw error
            case .renewSession: session = try await renewed(after: session, for: call)
            case .wait(let pause):
                if isImpatient { throw error }
                try await wait(pause, for: call)
            case .hold: refusal = error  // The gate holds; `enter` waits, or loses patience.
            }
        }
    }

    /// - Parameter refusal: what Salesforce itself said of a limit, to this call.
    private func enter(
        _ call: RESTCall, after refusal: RESTError?, _ patience: inout Duration
    ) async throws(RESTError) {
        while let pause = try await gate.enter(call.action) {
            guard pause <= patience else {
                if var refusal {
                    refusal.retryAfter = pause
                    throw refusal
                }
                throw RESTError(
                    .limitReached, action: call.action,
                    message: await limitText(),
                    fix: "Raise the share, or see in Setup > System Overview who uses them.",
                    retryAfter: pause)
            }
            patience -= pause
            try await wait(pause, for: call)
        }
    }

    private func limitText() async -> String {
        guard let usage = await gate.usage, await !gate.isHeld else {
            return "Salesforce said to another call that a limit is reached"
        }
        return "\(usage.used) of the org's \(usage.maximum) API calls in 24 hours are used, and "
            + "\(Int(options.dailyShare * 100)) % is the share allowed here"
    }

    private func attempt(_ call: RESTCall, _ session: Session) async -> Result<RESTAnswer, RESTError> {
        let response: HTTPResponse
        let sent = time.wall()
        do throws(TransportError) {
            response = try await http.send(request(call, session))
        } catch {
            await gate.leave(nil, answered: false, holdFor: nil)
            return .failure(RESTError(error, action: call.action))
        }
        let result = judged(response, call)
        var pause: Duration?
        if case .failure(let error) = result { pause = error.retryAfter }
        if let date = response.header("Date").flatMap(HTTPDate.milliseconds) { await gate.noteDate(date, sent: sent) }
        let usage = response.header("Sforce-Limit-Info").flatMap(APIUsage.init(header:))
        await gate.leave(usage, answered: true, holdFor: pause)
        return result
    }

    private func request(_ call: RESTCall, _ session: Session) -> HTTPRequest {
        var request = HTTPRequest(
            method: call.method.rawValue, url: call.url(instance: session.instanceURL, version: options.version),
            headers: [
                .init("Authorization", "Bearer \(session.accessToken.exposed)"), .init("Accept", call.accept),
                .init("Sforce-Call-Options", "client=\(options.clientName)"),
            ], body: call.body, timeout: min(call.timeout, timeout ?? call.timeout), maximumResponseBytes: call.maximumResponseBytes,
            connection: options.connection)
        if !call.body.isEmpty { request.headers.append(.init("Content-Type", call.contentType)) }
        request.headers += call.headers
        request.isSentOnce = !call.isRepeatable
        request.acceptsCompression = true
        return request
    }

    private func judged(_ response: HTTPResponse, _ call: RESTCall) -> Result<RESTAnswer, RESTError> {
        let isWanted =
            (200..<300).contains(response.status) || response.status == 304
            || call.alsoWanted.contains(response.status)
        guard isWanted else { return .failure(RESTError(response, action: call.action)) }
        guard !response.bodyIsTruncated else {
            return .failure(
                RESTError(
                    .tooLarge, action: call.action, status: response.status,
                    message: "the answer is longer than \(call.maximumResponseBytes >> 10) KiB",
                    fix: "Ask for fewer fields or fewer records at a time."))
        }
        return .success(RESTAnswer(status: response.status, response: response, action: call.action))
    }

    private func session(for call: RESTCall) async throws(RESTError) -> Session {
        do throws(SignInError) { return try await authenticator.session() } catch { throw Self.failure(error, call) }
    }

    private func renewed(after refused: Session, for call: RESTCall) async throws(RESTError) -> Session {
        do throws(SignInError) {
            return try await authenticator.renewed(after: refused)
        } catch {
            throw Self.failure(error, call)
        }
    }

    private static func failure(_ error: SignInError, _ call: RESTCall) -> RESTError {
        if Task.isCancelled { return .cancelled(call.action) }
        let kind: RESTError.Kind =
            switch error {
            case .refused: .signIn
            case .setup: .setup
            case .unreachable, .limited: .unreachable
            }
        return RESTError(kind, action: call.action, message: "\(error)")
    }

    private func wait(_ pause: Duration, for call: RESTCall) async throws(RESTError) {
        do { try await time.sleep(pause) } catch { throw .cancelled(call.action) }
    }
}
