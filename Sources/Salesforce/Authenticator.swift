import Events

/// The one place that signs in: every caller shares one session, and one attempt at a time.
///
/// A caller whose task is cancelled leaves at once; an attempt that nobody waits for is broken off.
package actor Authenticator {
    /// A session whose end is known is renewed this long before.
    static let renewalLead: Duration = .seconds(120)

    private let signIn: @Sendable () async throws(SignInError) -> Session
    private let time: TimeSource
    /// Between looks whether somebody has mended what was refused.
    static let mendingCheck: Duration = .seconds(5)

    private var throttle = SignInThrottle()
    /// When the next sign-in may begin.
    private var notBefore: Duration = .zero
    private var refusedAt: Duration = .zero
    /// Of the credentials that were refused last.
    private var refusedMark: Int?
    private let credentialMark: @Sendable () -> Int?
    private var current: Session?
    /// The last one that was given out. Cursors and replay IDs belong to its org and place.
    private var last: Session?
    private let onOrgChange: OrgChange.Policy
    private let notice: @Sendable (OrgChange) -> Void
    private let answered: @Sendable (SignInError?) -> Void
    private var attempt: (number: Int, task: Task<Void, Never>)?
    /// Were broken off, and may still have to keep what Salesforce gave them.
    private var leaving: [Int: Task<Void, Never>] = [:]
    private var waiters: [Int: CheckedContinuation<Result<Session, SignInError>, Never>] = [:]
    private var nextNumber = 0
    private var noticed: OrgChange?
    /// When a session was last renewed before its end.
    private var earlyRenewal: Duration?

    /// - Parameters:
    ///   - notice: told once of each sign-in that leads to another org or place, whatever the policy.
    ///   - answered: told how each sign-in ended; nil for well.
    ///   - credentialMark: changes with the credentials; nil if they cannot be read. New ones need not wait.
    package init(
        time: TimeSource = .system, onOrgChange: OrgChange.Policy = .stop,
        notice: @escaping @Sendable (OrgChange) -> Void = { _ in },
        answered: @escaping @Sendable (SignInError?) -> Void = { _ in },
        credentialMark: @escaping @Sendable () -> Int? = { nil },
        signIn: @escaping @Sendable () async throws(SignInError) -> Session
    ) {
        self.credentialMark = credentialMark
        self.signIn = signIn
        self.time = time
        self.onOrgChange = onOrgChange
        self.notice = notice
        self.answered = answered
    }

    package init(
        _ signIn: SignIn, time: TimeSource = .system, onOrgChange: OrgChange.Policy = .stop,
        notice: @escaping @Sendable (OrgChange) -> Void = { _ in },
        answered: @escaping @Sendable (SignInError?) -> Void = { _ in }
    ) {
        self.init(
            time: time, onOrgChange: onOrgChange, notice: notice, answered: answered,
            credentialMark: { signIn.credentialMark }
        ) { () async throws(SignInError) in
            try await signIn.session()
        }
    }

    /// How long the next sign-in still waits, unless its credentials are replaced.
    package var waitLeft: Duration { max(.zero, notBefore - time.monotonic()) }

    /// Somebody may have mended in Salesforce what was refused: the next sign-in waits no longer than after one refusal,
    /// however often this is said.
    package func hurry() { notBefore = min(notBefore, refusedAt + SignInThrottle.base) }

    /// The current session; signs in if there is none.
    package func session() async throws(SignInError) -> Session {
        guard let current else { return try await signInOnce() }
        guard isEnding(current), mayRenewEarly() else { return current }
        do throws(SignInError) {
            return try await signInOnce()
        } catch {
            // The old one is good until it is refused.
            guard error.isRetryable, !Task.isCancelled, self.current == current else { throw error }
            return current
        }
    }

    /// Salesforce may give a living session out again, with the same end: not at every call, then.
    private func mayRenewEarly() -> Bool {
        let now = time.monotonic()
        guard throttle.wait == .zero, earlyRenewal.map({ now - $0 >= Self.renewalLead / 2 }) ?? true else {
            return false
        }
        earlyRenewal = now
        return true
    }

    private func isEnding(_ session: Session) -> Bool {
        guard let end = session.expiresAt else { return false }
        return end - time.wall() < Self.renewalLead.components.seconds * 1000
    }

    /// A session newer than the one that was refused. Callers that were refused together share one attempt.
    ///
    /// It may carry the same token: Salesforce gives a living session out again, and a supplied token may not have been
    /// renewed yet. How soon it is tried again is the caller's affair.
    package func renewed(after refused: Session) async throws(SignInError) -> Session {
        // The same token with an end that was told otherwise is not another one.
        if let current, current.accessToken != refused.accessToken || current.instanceURL != refused.instanceURL {
            return current
        }
        current = nil
        return try await signInOnce()
    }

    private func signInOnce() async throws(SignInError) -> Session {
        let id = number()
        let result: Result<Session, SignInError> = await withTaskCancellationHandler {
            await withCheckedContinuation { wait(for: $0, as: id) }
        } onCancel: {
            Task { await self.leave(id) }
        }
        return try result.get()
    }

    private func wait(for waiter: CheckedContinuation<Result<Session, SignInError>, Never>, as id: Int) {
        guard !Task.isCancelled else { return waiter.resume(returning: .failure(.cancelled)) }
        waiters[id] = waiter
        attempt = attempt ?? startAttempt()
    }

    private func leave(_ id: Int) {
        waiters.removeValue(forKey: id)?.resume(returning: .failure(.cancelled))
        guard waiters.isEmpty else { return }
        guard let left = attempt else { return }
        left.task.cancel()
        leaving[left.number] = left.task
        attempt = nil
    }

    /// Returns when nothing is under way that must not be broken off. Before the process ends.
    package func ended() async {
        for task in leaving.values { await task.value }
    }

    private func startAttempt() -> (number: Int, task: Task<Void, Never>) {
        let number = number()
        let task = Task {
            defer { leaving[number] = nil }
            while waitLeft > .zero, !hasNewCredentials {
                guard (try? await time.sleep(min(waitLeft, Self.mendingCheck))) != nil else { return }
            }
            let result: Result<Session, SignInError>
            do throws(SignInError) {
                result = .success(try await signIn())
            } catch {
                result = .failure(error)
            }
            finish(result, of: number)
        }
        return (number, task)
    }

    private var hasNewCredentials: Bool {
        guard let refusedMark, let mark = credentialMark() else { return false }
        return mark != refusedMark
    }

    private func finish(_ result: Result<Session, SignInError>, of number: Int) {
        // One that was broken off has nobody to tell, and says nothing about the credentials.
        guard attempt?.number == number else { return }
        attempt = nil
        throttle.finished(result)
        if case .failure(let error) = result, error.isFailedLogin {
            refusedAt = time.monotonic()
            notBefore = refusedAt + throttle.wait
            // After it: a refresh token may be replaced by its use.
            refusedMark = credentialMark()
        }
        let result = result.flatMap(checked)
        if case .success(let session) = result {
            notBefore = .zero
            current = session
            last = session
            answered(nil)
        } else if case .failure(let error) = result {
            answered(error)
        }
        let waiting = waiters.values
        waiters = [:]
        for waiter in waiting { waiter.resume(returning: result) }
    }

    private func checked(_ session: Session) -> Result<Session, SignInError> {
        guard let last, let change = OrgChange(from: last, to: session) else { return .success(session) }
        if noticed != change { notice(change) }
        noticed = change
        guard !change.isFollowed(by: onOrgChange) else { return .success(session) }
        return .failure(
            .setup(
                SetupError(
                    "the credentials now belong to org \(session.orgID), and this relay serves \(last.orgID)",
                    fix:
                        "If a sandbox was refreshed, restart: its cursors begin anew. Otherwise restore the "
                        + "credentials of \(last.orgID), or give the other org another name in sluice.yaml.")))
    }

    private func number() -> Int {
        nextNumber += 1
        return nextNumber
    }
}

/// How long the next sign-in must wait, so that repeated refusals do not lock the user.
struct SignInThrottle {
    /// Doubled with each refusal in a row, up to `ceiling`.
    static let base: Duration = .seconds(30)
    static let ceiling: Duration = .seconds(900)

    private var refusals = 0

    var wait: Duration { Self.wait(after: refusals) }

    static func wait(after refusals: Int) -> Duration {
        guard refusals > 0 else { return .zero }
        return min(base * (1 << min(refusals - 1, 5)), ceiling)
    }

    /// A server that is not reached in between says nothing about the credentials.
    mutating func finished(_ result: Result<Session, SignInError>) {
        switch result {
        case .success: refusals = 0
        case .failure(let error): if error.isFailedLogin { refusals += 1 }
        }
    }
}
