import Events

/// What the org has, may, and did.
extension RESTClient {
    package struct Limit: Sendable, Equatable {
        /// `DailyApiRequests`, `DailyDeliveredPlatformEvents`, …
        package var name: String
        package var maximum: Int
        package var remaining: Int

        package var used: Int { maximum - remaining }

        /// What is beyond is no count of anything. An org that is over its limit has less than nothing left.
        static let bounds = -1_000_000_000_000...1_000_000_000_000
    }

    /// In the order of the answer. Needs the permission 'View Setup and Configuration'.
    package func limits() async throws(RESTError) -> [Limit] {
        let answer = try await send(RESTCall(.get, "/limits", action: "read the limits"))
        guard let limits = try answer.json().fields else { throw answer.unexpected("it is no map of limits") }
        return limits.fields.compactMap { field in
            guard let maximum = field.value.integer("Max"), let remaining = field.value.integer("Remaining"),
                Limit.bounds.contains(maximum), Limit.bounds.contains(remaining)
            else { return nil }
            return Limit(name: field.name, maximum: maximum, remaining: remaining)
        }
    }

    /// SOSL: `FIND {Acme} IN NAME FIELDS RETURNING Account(Id, Name)`. `SOQL.searchText` escapes what is looked for.
    ///
    /// - Returns: records of several objects, each with the name of its object.
    package func search(_ sosl: String) async throws(RESTError) -> [(entity: String, record: Fields)] {
        let answer = try await send(RESTCall(.get, "/search", query: [("q", sosl)], action: "search"))
        let body = try answer.json()
        // Versions before 37 answer with the bare list.
        guard let found = body.list("searchRecords") ?? body.list else {
            throw answer.unexpected("it has no searchRecords")
        }
        return found.compactMap { value in
            value.fields.map { (value["attributes"]?.text("type") ?? "", RecordTree.plain($0)) }
        }
    }

    /// The name of an object as the org writes it, upper and lower case; nil if there is none, or none that the user
    /// may see.
    package func objectName(_ entity: String) async throws(RESTError) -> String? {
        let call = RESTCall(.get, RESTCall.path("sobjects", entity, "describe"), action: "describe \(entity)")
        do throws(RESTError) {
            let answer = try await send(call)
            guard let description = ObjectDescription(try answer.json()) else {
                throw answer.unexpected("it is no description of an object")
            }
            return description.name
        } catch {
            guard error.kind == .notFound else { throw error }
            return nil
        }
    }

    /// All objects that the user may see.
    package func objects() async throws(RESTError) -> [ObjectSummary] {
        let answer = try await send(RESTCall(.get, "/sobjects", action: "list the objects"))
        guard let objects = try answer.json().list("sobjects") else { throw answer.unexpected("it has no sobjects") }
        return objects.compactMap(ObjectSummary.init)
    }

    /// What `describe` answers, word for word: more than `ObjectDescription` keeps of it.
    package func describeAnswer(_ entity: String) async throws(RESTError) -> [UInt8] {
        let answer = try await send(
            RESTCall(.get, RESTCall.path("sobjects", entity, "describe"), action: "describe \(entity)"))
        guard ObjectDescription(try answer.json()) != nil else {
            throw answer.unexpected("it is no description of an object")
        }
        return answer.body
    }

    /// Avro JSON of an event, by the ID of its schema.
    package func eventSchema(id: String) async throws(RESTError) -> String {
        try await eventSchema(RESTCall.path("event", "eventSchema", id), "read event schema \(id)")
    }

    /// Avro JSON of the current schema, by the event's API name.
    package func eventSchema(event: String) async throws(RESTError) -> String {
        try await eventSchema(RESTCall.path("sobjects", event, "eventSchema"), "read the event schema of \(event)")
    }

    private func eventSchema(_ path: String, _ action: String) async throws(RESTError) -> String {
        let answer = try await send(RESTCall(.get, path, query: [("payloadFormat", "COMPACT")], action: action))
        return String(decoding: answer.body, as: UTF8.self)
    }
}

/// IDs of records that changed in a time, without a query.
extension RESTClient {
    /// Days back that Salesforce keeps.
    static let changeDays: Int64 = 30

    package struct Deleted: Sendable, Equatable {
        package struct Record: Sendable, Equatable {
            package var id: String
            /// Epoch milliseconds.
            package var deletedAt: Int64
        }

        package var records: [Record]
        /// Earlier deletions are not known any more. Epoch milliseconds.
        package var earliestAvailable: Int64
        /// Ask from here the next time. Epoch milliseconds.
        package var latestCovered: Int64
    }

    package struct Updated: Sendable, Equatable {
        package var ids: [String]
        /// Ask from here the next time. Epoch milliseconds.
        package var latestCovered: Int64
    }

    /// - Parameters:
    ///   - start: epoch milliseconds, at most 30 days ago; Salesforce rounds to minutes.
    ///   - end: epoch milliseconds, more than a minute later.
    package func deleted(_ entity: String, from start: Int64, to end: Int64) async throws(RESTError) -> Deleted {
        let answer = try await changes(entity, "deleted", start, end)
        let body = try answer.json()
        guard let records = body.list("deletedRecords") else { throw answer.unexpected("it has no deletedRecords") }
        return Deleted(
            records: records.compactMap { record in
                record.text("id").map { .init(id: $0, deletedAt: Self.time(record, "deletedDate") ?? end) }
            }, earliestAvailable: Self.time(body, "earliestDateAvailable") ?? start,
            latestCovered: Self.time(body, "latestDateCovered") ?? end)
    }

    /// Created or updated.
    package func updated(_ entity: String, from start: Int64, to end: Int64) async throws(RESTError) -> Updated {
        let answer = try await changes(entity, "updated", start, end)
        let body = try answer.json()
        guard let ids = body.list("ids") else { throw answer.unexpected("it has no ids") }
        return Updated(ids: ids.compactMap(\.text), latestCovered: Self.time(body, "latestDateCovered") ?? end)
    }

    private func changes(
        _ entity: String, _ kind: String, _ start: Int64, _ end: Int64
    ) async throws(RESTError) -> RESTAnswer {
        let action = "list \(kind) records of \(entity)"
        guard start < end, end - start <= Self.changeDays * 86_400_000 else {
            throw RESTError(
                .rejected, action: action, message: "the time must be at most \(Self.changeDays) days long",
                fix: "Use queryAll with SystemModstamp for older changes.")
        }
        return try await send(
            RESTCall(
                .get, RESTCall.path("sobjects", entity, kind) + "/",
                query: [("start", Timestamp.rfc3339(start)), ("end", Timestamp.rfc3339(end))], action: action))
    }

    private static func time(_ value: Value, _ name: String) -> Int64? {
        value.text(name).flatMap { Timestamp.milliseconds(rfc3339: $0) }
    }
}
