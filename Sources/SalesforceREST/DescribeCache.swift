import Curl
import Events

/// Descriptions of objects, kept, and asked again only whether they changed.
package actor DescribeCache {
    /// Objects whose description is kept; the one checked longest ago goes first.
    static let maximumObjects = 200

    private struct Entry {
        var description: ObjectDescription
        var etag: String?
        var lastModified: String?
        var checkedAt: Duration
    }

    private typealias Answer = Result<ObjectDescription, RESTError>

    /// One call, and those who wait for its answer.
    private struct Running {
        let number: Int
        let task: Task<Void, Never>
        var waiters: [Int: CheckedContinuation<Answer, Never>]
    }

    private let client: RESTClient
    /// How long a description counts as current without asking.
    private let lifetime: Duration
    private var entries: [String: Entry] = [:]
    private var running: [String: Running] = [:]
    private var nextNumber = 0

    package init(_ client: RESTClient, lifetime: Duration = .seconds(600)) {
        self.client = client
        self.lifetime = lifetime
    }

    /// Callers that ask for one object together share one call. One whose task is cancelled leaves at once; a call that
    /// nobody waits for is broken off.
    ///
    /// - Parameter maximumAge: asks again if what is kept is older; nil takes the cache's lifetime.
    package func description(
        of entity: String, maximumAge: Duration? = nil
    ) async throws(RESTError) -> ObjectDescription {
        if let entry = entries[entity], client.time.monotonic() - entry.checkedAt < maximumAge ?? lifetime {
            return entry.description
        }
        let number = number()
        let answer: Answer = await withTaskCancellationHandler {
            await withCheckedContinuation { wait(for: entity, $0, as: number) }
        } onCancel: {
            Task { await self.leave(entity, number) }
        }
        return try answer.get()
    }

    private func wait(for entity: String, _ waiter: CheckedContinuation<Answer, Never>, as number: Int) {
        guard !Task.isCancelled else { return waiter.resume(returning: .failure(Self.cancelled(entity))) }
        if running[entity] == nil { running[entity] = start(entity) }
        running[entity]?.waiters[number] = waiter
    }

    private func leave(_ entity: String, _ number: Int) {
        guard let waiter = running[entity]?.waiters.removeValue(forKey: number) else { return }
        waiter.resume(returning: .failure(Self.cancelled(entity)))
        guard running[entity]?.waiters.isEmpty == true else { return }
        running.removeValue(forKey: entity)?.task.cancel()
    }

    private func start(_ entity: String) -> Running {
        let number = number()
        let task = Task {
            let answer: Answer
            do throws(RESTError) { answer = .success(try await fetch(entity)) } catch { answer = .failure(error) }
            finish(entity, number, answer)
        }
        return Running(number: number, task: task, waiters: [:])
    }

    private func finish(_ entity: String, _ number: Int, _ answer: Answer) {
        // One that was broken off has nobody to tell.
        guard running[entity]?.number == number else { return }
        let waiters = running.removeValue(forKey: entity)?.waiters ?? [:]
        for waiter in waiters.values { waiter.resume(returning: answer) }
    }

    private static func cancelled(_ entity: String) -> RESTError { .cancelled(action(entity)) }

    private static func action(_ entity: String) -> String { "describe \(entity)" }

    private func number() -> Int {
        nextNumber += 1
        return nextNumber
    }

    private func fetch(_ entity: String) async throws(RESTError) -> ObjectDescription {
        let kept = entries[entity]
        var call = RESTCall(.get, RESTCall.path("sobjects", entity, "describe"), action: Self.action(entity))
        if let etag = kept?.etag { call.headers.append(.init("If-None-Match", etag)) }
        if let date = kept?.lastModified { call.headers.append(.init("If-Modified-Since", date)) }
        let answer = try await client.send(call)
        if answer.status == 304, var entry = kept {
            entry.checkedAt = client.time.monotonic()
            entries[entity] = entry
            return entry.description
        }
        guard let description = ObjectDescription(try answer.json()) else {
            throw answer.unexpected("it is no description of an object")
        }
        keep(
            Entry(
                description: description, etag: answer.header("ETag"), lastModified: answer.header("Last-Modified"),
                checkedAt: client.time.monotonic()), entity)
        return description
    }

    private func keep(_ entry: Entry, _ entity: String) {
        entries[entity] = entry
        guard entries.count > Self.maximumObjects,
            let oldest = entries.min(by: { $0.value.checkedAt < $1.value.checkedAt })
        else { return }
        entries[oldest.key] = nil
    }
}
