import Events

/// The records of a query, page after page; one page is in memory at a time.
///
/// Salesforce keeps the cursor for about two days. When it is gone, `.cursorExpired` is thrown; `KeysetPages` needs
/// none.
package struct QueryPages: AsyncSequence, Sendable {
    package struct Page: Sendable {
        /// Without `attributes`; a subquery that is complete is a list of records.
        package var records: [Fields]
        /// Of all pages, as far as Salesforce knows.
        package var totalSize: Int
        package var isLast: Bool
    }

    let client: RESTClient
    let first: RESTCall
    let batchSize: Int?

    package func makeAsyncIterator() -> Iterator { Iterator(client: client, next: first, batchSize: batchSize) }

    package struct Iterator: AsyncIteratorProtocol {
        let client: RESTClient
        /// Nil after the last page.
        var next: RESTCall?
        let batchSize: Int?
        private var read = 0

        init(client: RESTClient, next: RESTCall?, batchSize: Int?) {
            self.client = client
            self.next = next
            self.batchSize = batchSize
        }

        package mutating func next(isolation actor: isolated (any Actor)?) async throws(RESTError) -> Page? {
            guard var call = next else { return nil }
            next = nil
            if let batchSize {
                call.headers.append(
                    .init("Sforce-Query-Options", "batchSize=\(Swift.min(Swift.max(batchSize, 200), 2000))"))
            }
            let answer = try await client.send(call)
            let body = try answer.json()
            guard let records = body.list("records") else { throw answer.unexpected("it has no records") }
            read += records.count
            let isLast = body["done"] != .bool(false)
            if !isLast {
                guard let path = body.text("nextRecordsUrl"), path.hasPrefix("/services/") else {
                    throw answer.unexpected("it is not the last page, and names no next one")
                }
                next = RESTCall(.get, path, action: "\(first(call.action)) (after \(read) records)")
            }
            return Page(
                records: records.compactMap { $0.fields.map(RecordTree.plain) },
                totalSize: body.integer("totalSize") ?? read, isLast: isLast)
        }

        private func first(_ action: String) -> String {
            action.firstRange(of: " (after").map { String(action[..<$0.lowerBound]) } ?? action
        }
    }
}

/// Records as the query API nests them.
enum RecordTree {
    static func plain(_ record: Fields) -> Fields {
        Fields(
            record.fields.compactMap { field in
                field.name == "attributes" ? nil : Fields.Field(name: field.name, value: plain(field.value))
            })
    }

    private static func plain(_ value: Value) -> Value {
        guard case .record(let fields) = value else { return value }
        // Children that did not all fit keep their `nextRecordsUrl`, so that nobody takes them for all.
        if fields["done"] == .bool(true), case .list(let children)? = fields["records"] {
            return .list(children.map(plain))
        }
        return .record(plain(fields))
    }
}

extension RESTClient {
    package enum QueryKind: Sendable {
        case query
        /// Deleted and archived records as well.
        case queryAll
        /// The Tooling API: channels, managed subscriptions, and other metadata.
        case tooling
    }

    /// Addresses end at 16,384 bytes, headers included.
    static let maximumQueryBytes = 14_000

    /// - Parameter batchSize: records in a page, 200 to 2000; only a hint.
    package func query(
        _ soql: String, kind: QueryKind = .query, batchSize: Int? = nil
    ) throws(RESTError) -> QueryPages {
        let path =
            switch kind {
            case .query: "/query"
            case .queryAll: "/queryAll"
            case .tooling: "/tooling/query"
            }
        var call = RESTCall(.get, path, query: [("q", soql)], action: "query \(Self.object(of: soql))")
        guard call.url(instance: "", version: options.version).utf8.count <= Self.maximumQueryBytes else {
            throw RESTError(
                .rejected, action: call.action,
                message: "the query takes more than \(Self.maximumQueryBytes) bytes of the address",
                fix: "Name fewer fields, or use FIELDS(STANDARD), FIELDS(CUSTOM) or FIELDS(ALL) with LIMIT 200.")
        }
        // A server cuts a query off after 120 seconds.
        call.timeout = .seconds(150)
        return QueryPages(client: self, first: call, batchSize: batchSize)
    }

    /// All records of a query that is known to be small.
    ///
    /// - Throws: `.tooLarge` beyond `limit` records.
    package func records(
        _ soql: String, kind: QueryKind = .query, limit: Int = 2000
    ) async throws(RESTError) -> [Fields] {
        var records: [Fields] = []
        var pages = try query(soql, kind: kind).makeAsyncIterator()
        while let page = try await pages.next(isolation: nil) {
            records += page.records
            guard records.count <= limit else {
                throw RESTError(
                    .tooLarge, action: "query \(Self.object(of: soql))", message: "more than \(limit) records")
            }
        }
        return records
    }

    /// For errors: what stands after the last FROM outside of parentheses.
    static func object(of soql: String) -> String {
        let words = soql.split { $0.isWhitespace || $0 == "," }
        var depth = 0
        for (word, next) in zip(words, words.dropFirst()) {
            depth += word.count { $0 == "(" } - word.count { $0 == ")" }
            if depth == 0, word.lowercased() == "from" { return String(next.prefix(80)) }
        }
        return "records"
    }
}
