import Events
import SalesforceREST

/// A record as it was read.
struct SnapshotRow: Sendable {
    var id: String
    /// With the names and types of change events.
    var fields: Fields
    /// Epoch milliseconds; nil if the object does not tell.
    var modified: Int64?
    var created: Int64?
    var modifiedBy: String?
}

/// Reads an object's records in the order of their IDs, a page at a time, and single ones again.
struct SnapshotReader: Sendable {
    /// Field lists up to this go into the address, longer ones into a body: addresses end at 16,384 bytes.
    static let maximumQueryCharacters = 8_000
    /// Values in a page of records, so that wide objects take no more memory than narrow ones.
    static let maximumValues = 50_000
    static let leastRows = 100
    /// IDs that one call reads.
    static let maximumReread = 1_000
    static let maximumGone = 200

    let client: RESTClient
    let entity: String
    let condition: String?
    let normalizer: RecordNormalizer
    /// When a record was modified, by the object's best field.
    let stamp: String?
    let fields: [String]
    /// The same for a bulk query.
    let columns: [String]

    /// Objects such as User have no recycle bin, nor a field that tells of it.
    let tellsDeleted: Bool

    /// - Parameters:
    ///   - filter: SOQL, without `WHERE`.
    ///   - since: what was modified then or later, as far as the object tells; epoch milliseconds.
    init(_ client: RESTClient, _ description: ObjectDescription, filter: String? = nil, since: Int64? = nil) {
        self.client = client
        entity = description.name
        tellsDeleted = description.field("IsDeleted") != nil
        let normalizer = RecordNormalizer(description, fields: nil)
        self.normalizer = normalizer
        let stamp = ["SystemModstamp", "LastModifiedDate", "CreatedDate"].first { description.field($0) != nil }
        self.stamp = stamp
        var conditions = filter.map { ["(\($0))"] } ?? []
        // Whole seconds: that is how most objects keep it.
        if let since, let stamp { conditions.append("\(stamp) >= \(Timestamp.rfc3339(since / 1000 * 1000))") }
        condition = conditions.isEmpty ? nil : conditions.joined(separator: " AND ")
        let extras = [stamp, "CreatedDate", "LastModifiedById"].compactMap { $0 }.filter {
            description.field($0) != nil && !normalizer.queryFields.contains($0)
        }
        func once(_ names: [String]) -> [String] {
            var seen: Set<String> = []
            return names.filter { seen.insert($0).inserted }
        }
        fields = once(normalizer.queryFields + extras)
        columns = once(normalizer.columns + extras)
    }

    /// Records in a page, at most.
    var maximumRows: Int { max(Self.leastRows, Self.maximumValues / max(1, fields.count)) }

    func count() async throws(RESTError) -> Int? {
        var rows = try client.query("SELECT count(Id) FROM \(entity)\(clause([condition]))").makeAsyncIterator()
        guard let record = try await rows.next(isolation: nil)?.records.first else { return nil }
        if case .int(let total)? = record["expr0"] { return Int(total) }
        return nil
    }

    /// Fewer than `limit` rows mean that there are no more.
    func page(after id: String?, limit: Int) async throws(RESTError) -> (rows: [SnapshotRow], last: String?) {
        let isWide = fields.joined(separator: ",").utf8.count > Self.maximumQueryCharacters
        let found = try await client.records(soql(isWide ? ["Id"] : fields, after: id, limit: limit), limit: limit)
        let ids = try self.ids(of: found, after: id)
        let last = found.count < limit ? nil : ids.last
        guard !isWide else { return (try await rows(ids), last) }
        return (zip(ids, found).map { row($0, $1) }, last)
    }

    /// Those of the records that are still there.
    func rows(_ ids: [String]) async throws(RESTError) -> [SnapshotRow] {
        let found = try await client.retrieve(entity, ids: ids, fields: fields)
        return zip(ids, found).compactMap { id, record in record.map { row(id, $0) } }
    }

    /// Deleted records, with when they were.
    func deleted(after id: String?, limit: Int) async throws(RESTError) -> (rows: [SnapshotRow], last: String?) {
        let names = ["Id", stamp].compactMap { $0 }
        let query = soql(names, after: id, limit: limit, "IsDeleted = true")
        let found = try await client.records(query, kind: .queryAll, limit: limit)
        let ids = try self.ids(of: found, after: id)
        let rows = zip(ids, found).map { id, record in
            SnapshotRow(id: id, fields: Fields(), modified: time(record, stamp))
        }
        return (rows, found.count < limit ? nil : ids.last)
    }

    /// How many records one call reads again, of so many that it may.
    func maximumReread(_ rows: Int) -> Int { min(Self.maximumReread, maximumRows, rows) }

    /// The same of deleted ones, whose IDs stand in the address.
    func maximumGone(_ rows: Int) -> Int { min(Self.maximumGone, rows) }

    /// Those of the records that were deleted and are still in the recycle bin, with when they were.
    func gone(_ ids: [String]) async throws(RESTError) -> [SnapshotRow] {
        let names = ["Id", stamp].compactMap { $0 }
        let list = ids.map(SOQL.quoted).joined(separator: ",")
        let query =
            "SELECT \(names.joined(separator: ",")) FROM \(entity) WHERE IsDeleted = true AND Id IN (\(list)) "
            + "ORDER BY Id LIMIT \(ids.count)"
        let found = try await client.records(query, kind: .queryAll, limit: ids.count)
        return found.compactMap { record in
            guard case .string(let id)? = record["Id"] else { return nil }
            return SnapshotRow(id: id, fields: Fields(), modified: time(record, stamp))
        }
    }

    // MARK: Queries

    private func soql(_ names: [String], after id: String?, limit: Int, _ more: String? = nil) -> String {
        let conditions = clause([condition, more, id.map { "Id > \(SOQL.quoted($0))" }])
        return "SELECT \(names.joined(separator: ",")) FROM \(entity)\(conditions) ORDER BY Id LIMIT \(limit)"
    }

    private func clause(_ conditions: [String?]) -> String {
        let present = conditions.compactMap { $0 }
        return present.isEmpty ? "" : " WHERE " + present.joined(separator: " AND ")
    }

    /// Their order is Salesforce's own.
    private func ids(of records: [Fields], after: String?) throws(RESTError) -> [String] {
        var ids: [String] = []
        for record in records {
            guard case .string(let id)? = record["Id"], id != after else {
                throw RESTError(
                    .unreadable, action: "query \(entity)", message: "a record has no Id, or the IDs do not ascend")
            }
            ids.append(id)
        }
        return ids
    }

    private func row(_ id: String, _ record: Fields) -> SnapshotRow {
        var row = SnapshotRow(id: id, fields: normalizer.normalized(record))
        row.modified = time(record, stamp)
        row.created = time(record, "CreatedDate")
        if case .string(let user)? = record["LastModifiedById"] { row.modifiedBy = user }
        return row
    }

    private func time(_ record: Fields, _ name: String?) -> Int64? {
        guard let name, case .string(let text)? = record[name] else { return nil }
        return Timestamp.milliseconds(rfc3339: text)
    }
}
