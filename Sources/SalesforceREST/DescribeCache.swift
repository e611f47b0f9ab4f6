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

    private let client: RESTClient
    /// How long a description counts as current without asking.
    private let lifetime: Duration
    private var entries: [String: Entry] = [:]
    /// Callers that ask for one object together share one call.
    private var running: [String: Task<Result<ObjectDescription, RESTError>, Never>] = [:]

    package init(_ client: RESTClient, lifetime: Duration = .seconds(600)) {
        self.client = client
        self.lifetime = lifetime
    }

    /// - Parameter maximumAge: asks again if what is kept is older; nil takes the cache's lifetime.
    package func description(
        of entity: String, maximumAge: Duration? = nil
    ) async throws(RESTError) -> ObjectDescription {
        if let entry = entries[entity], client.time.monotonic() - entry.checkedAt <= maximumAge ?? lifetime {
            return entry.description
        }
        let task = running[entity] ?? start(entity)
        return try await task.value.get()
    }

    private func start(_ entity: String) -> Task<Result<ObjectDescription, RESTError>, Never> {
        let task = Task { () -> Result<ObjectDescription, RESTError> in
            do throws(RESTError) { return .success(try await fetch(entity)) } catch { return .failure(error) }
        }
        running[entity] = task
        return task
    }

    private func fetch(_ entity: String) async throws(RESTError) -> ObjectDescription {
        defer { running[entity] = nil }
        let kept = entries[entity]
        var call = RESTCall(.get, RESTCall.path("sobjects", entity, "describe"), action: "describe \(entity)")
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
