import Events

/// All records of an object in the order of their IDs. Each page is a query of its own that begins after the last ID,
/// so no cursor can expire, and a reader that was stopped goes on where it was.
package struct KeysetPages: AsyncSequence, Sendable {
    package struct Request: Sendable {
        /// API name.
        package var entity: String
        /// API names; `Id` is read in any case. Nil is everything that a change event would carry, brought to the names
        /// and types of change events.
        package var fields: [String]?
        /// SOQL, without `WHERE`.
        package var filter: String?
        /// Only records after this one.
        package var afterID: String?
        /// Deleted records as well; `IsDeleted` must then be among the fields to tell them.
        package var includesDeleted = false
        /// 1 to 2000.
        package var pageSize = 2000

        package init(entity: String, fields: [String]?) {
            self.entity = entity
            self.fields = fields
        }
    }

    package struct Page: Sendable {
        /// IDs and records, in the same order.
        package var ids: [String]
        package var records: [Fields]
    }

    private let client: RESTClient
    private let request: Request
    private let normalizer: RecordNormalizer

    /// - Parameter description: brings values to the types of change events.
    package init(_ client: RESTClient, _ request: Request, description: ObjectDescription) throws(RESTError) {
        let named = [request.entity] + (request.fields ?? [])
        guard let wrong = named.first(where: { !SOQL.isName($0) }) else {
            self.client = client
            self.request = request
            normalizer = RecordNormalizer(description, fields: request.fields)
            return
        }
        throw RESTError(.rejected, action: "query \(request.entity)", message: "'\(wrong)' is no API name")
    }

    package func makeAsyncIterator() -> Iterator {
        Iterator(client: client, request: request, normalizer: normalizer)
    }

    package struct Iterator: AsyncIteratorProtocol {
        let client: RESTClient
        var request: Request
        let normalizer: RecordNormalizer
        private var isDone = false

        init(client: RESTClient, request: Request, normalizer: RecordNormalizer) {
            self.client = client
            self.request = request
            self.normalizer = normalizer
        }

        package mutating func next(isolation actor: isolated (any Actor)?) async throws(RESTError) -> Page? {
            guard !isDone else { return nil }
            let isWide = normalizer.queryFields.joined(separator: ",").utf8.count > RecordFetch.maximumQueryCharacters
            let records = try await query(isWide ? ["Id"] : normalizer.queryFields)
            let ids = records.compactMap { $0["Id"].flatMap(\.text) }
            guard ids.count == records.count else {
                throw RESTError(.unreadable, action: "query \(request.entity)", message: "a record has no Id")
            }
            isDone = records.count < pageSize
            guard let last = ids.last else { return nil }
            guard last != request.afterID else {
                throw RESTError(.unreadable, action: "query \(request.entity)", message: "the IDs do not ascend")
            }
            request.afterID = last
            guard isWide else { return Page(ids: ids, records: records.map(normalizer.normalized)) }
            return try await wide(ids)
        }

        private var pageSize: Int { Swift.min(Swift.max(request.pageSize, 1), 2000) }

        private func query(_ fields: [String]) async throws(RESTError) -> [Fields] {
            let conditions = [
                request.filter.map { "(\($0))" }, request.afterID.map { "Id > \(SOQL.quoted($0))" },
            ].compactMap { $0 }
            let filter = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
            return try await client.records(
                "SELECT \(fields.joined(separator: ",")) FROM \(request.entity)\(filter) ORDER BY Id LIMIT \(pageSize)",
                kind: request.includesDeleted ? .queryAll : .query)
        }

        /// More fields than an address holds: they are read by ID. Records that went meanwhile are left out.
        private func wide(_ ids: [String]) async throws(RESTError) -> Page {
            let found = try await client.retrieve(request.entity, ids: ids, fields: normalizer.queryFields)
            let pairs = zip(ids, found).compactMap { id, record in record.map { (id, normalizer.normalized($0)) } }
            return Page(ids: pairs.map(\.0), records: pairs.map(\.1))
        }
    }
}
