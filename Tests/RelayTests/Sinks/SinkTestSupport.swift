import Curl
import Events
import Logging
import Synchronization

@testable import Relay

/// Answers as a test says, and remembers what was asked.
final class FakeHTTP: HTTPClient {
    typealias Answer = Result<HTTPResponse, TransportError>

    private let state = Mutex<(requests: [HTTPRequest], answers: [Answer])>(([], []))
    private let fallback: @Sendable (HTTPRequest) -> Answer

    init(_ fallback: @escaping @Sendable (HTTPRequest) -> Answer = { _ in .success(HTTPResponse(status: 204)) }) {
        self.fallback = fallback
    }

    convenience init(answers: [Answer]) {
        self.init()
        state.withLock { $0.answers = answers }
    }

    var requests: [HTTPRequest] { state.withLock { $0.requests } }

    func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        let answer = state.withLock { state -> Answer? in
            state.requests.append(request)
            return state.answers.isEmpty ? nil : state.answers.removeFirst()
        }
        return try (answer ?? fallback(request)).get()
    }
}

/// A clock that a test turns. It stands still otherwise.
final class TurnedClock: Sendable {
    private struct State {
        var wall: Int64 = 1_800_000_000_000
        var uptime: Int64 = 1_000
        var sleepers: [(id: Int, until: Int64, wake: CheckedContinuation<Void, any Error>)] = []
        var cancelled: Set<Int> = []
        var nextID = 0
    }

    private let state = Mutex(State())

    var wall: Int64 { state.withLock { $0.wall } }
    var uptime: Int64 { state.withLock { $0.uptime } }

    var source: TimeSource {
        TimeSource(
            wall: { [self] in wall }, monotonic: { [self] in .milliseconds(uptime) },
            sleepUntil: { [self] in try await sleep(untilUptime: $0.milliseconds) })
    }
    /// When the first sleeper wants to be woken.
    var nextWake: Int64? { state.withLock { $0.sleepers.map(\.until).min() } }

    func sleep(untilUptime target: Int64) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let now: Result<Void, any Error>? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
                    if state.uptime >= target { return .success(()) }
                    state.sleepers.append((id, target, continuation))
                    return nil
                }
                if let now { continuation.resume(with: now) }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> CheckedContinuation<Void, any Error>? in
                guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
                    state.cancelled.insert(id)
                    return nil
                }
                return state.sleepers.remove(at: index).wake
            }
            sleeper?.resume(throwing: CancellationError())
        }
    }

    func advance(by milliseconds: Int64) {
        let due = state.withLock { state in
            state.uptime += milliseconds
            state.wall += milliseconds
            let due = state.sleepers.filter { $0.until <= state.uptime }
            state.sleepers.removeAll { $0.until <= state.uptime }
            return due
        }
        due.forEach { $0.wake.resume() }
    }

    /// Somebody sets the clock.
    func setWall(by milliseconds: Int64) { state.withLock { $0.wall += milliseconds } }
}

extension Delivery {
    static func make(
        _ id: String = "sl_00000000000000000000000000000001", to target: DeliveryTarget, body: String = #"{"a":1}"#
    ) -> Delivery {
        Delivery(
            id: id, rule: "r", destination: "d", lane: "l", target: target, body: Array(body.utf8),
            origin: DeliveryOrigin(
                orgID: "00D", topic: "/data/ChangeEvents", replayID: ReplayID([1])!, entity: "Account",
                change: "update", recordID: "001", time: 0),
            retry: RetryLimits())
    }
}

extension SinkEnvironment {
    static func test(
        _ http: any HTTPClient, clock: TurnedClock = TurnedClock(), environment: [String: String] = [:]
    ) -> SinkEnvironment { test(http, clock: clock, secrets: SecretStore(environment: environment)) }

    static func test(_ http: any HTTPClient, clock: TurnedClock = TurnedClock(), secrets: SecretStore) -> SinkEnvironment {
        SinkEnvironment(
            http: http, clock: clock.source, version: "1.2.3", secrets: secrets,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}

/// Remembers what a collector reports.
actor RecordedOutcomes: DeliveryOutcomes {
    private(set) var done: [String] = []
    private(set) var buried: [String: AttemptNote] = [:]

    func delivered(_ ids: [String]) { done += ids }

    func dead(_ ids: [String], note: AttemptNote) {
        for id in ids { buried[id] = note }
    }
}

/// A disk for run states that can refuse.
actor MemoryJournal: RunJournal {
    struct Full: Error {}

    private(set) var states: [String: [UInt8]]
    private var refusals: Int

    init(states: [String: [UInt8]] = [:], refusals: Int = 0) {
        self.states = states
        self.refusals = refusals
    }

    func runStates(of destination: String) throws -> [String: [UInt8]] {
        try refuse()
        return states
    }

    func saveRunState(_ json: [UInt8], destination: String, flow: String) throws {
        try refuse()
        states[flow] = json
    }

    private func refuse() throws {
        guard refusals > 0 else { return }
        refusals -= 1
        throw Full()
    }
}
