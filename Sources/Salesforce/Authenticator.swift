import Events

/// The one place that signs in: every caller shares one session, and one attempt at a time.
package actor Authenticator {
    private let signIn: @Sendable () async throws(SignInError) -> Session
    private let time: TimeSource
    private var throttle = SignInThrottle()
    private var current: Session?
    private var attempt: Task<Result<Session, SignInError>, Never>?

    package init(
        time: TimeSource = .system, signIn: @escaping @Sendable () async throws(SignInError) -> Session
    ) {
        self.signIn = signIn
        self.time = time
    }

    package init(_ signIn: SignIn, time: TimeSource = .system) {
        self.init(time: time) { () async throws(SignInError) in try await signIn.session() }
    }

    /// The current session; signs in if there is none.
    package func session() async throws(SignInError) -> Session {
        if let current { return current }
        return try await signInOnce()
    }

    /// A session other than the one that was refused. Callers that were refused together share one attempt.
    package func renewed(after refused: Session) async throws(SignInError) -> Session {
        if let current, current != refused { return current }
        current = nil
        return try await signInOnce()
    }

    private func signInOnce() async throws(SignInError) -> Session {
        let task = attempt ?? startAttempt()
        attempt = task
        return try await task.value.get()
    }

    private func startAttempt() -> Task<Result<Session, SignInError>, Never> {
        let wait = throttle.wait()
        return Task {
            if wait > .zero { try? await time.sleep(wait) }
            let result: Result<Session, SignInError>
            do throws(SignInError) {
                result = .success(try await signIn())
            } catch {
                result = .failure(error)
            }
            finish(result)
            return result
        }
    }

    private func finish(_ result: Result<Session, SignInError>) {
        attempt = nil
        if case .success(let session) = result { current = session }
        throttle.finished(refused: result.isRefusal)
    }
}

extension Result<Session, SignInError> {
    fileprivate var isRefusal: Bool {
        if case .failure(.refused) = self { return true }
        return false
    }
}

/// How long the next sign-in must wait, so that repeated refusals do not lock the user.
struct SignInThrottle {
    /// Doubled with each refusal in a row, up to `ceiling`.
    static let base: Duration = .seconds(30)
    static let ceiling: Duration = .seconds(900)

    private var refusals = 0

    func wait() -> Duration {
        guard refusals > 0 else { return .zero }
        return min(Self.base * (1 << min(refusals - 1, 5)), Self.ceiling)
    }

    mutating func finished(refused: Bool) { refusals = refused ? refusals + 1 : 0 }
}
