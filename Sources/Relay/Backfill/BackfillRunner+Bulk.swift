import Events
import SalesforceREST
import Store

/// Very many records are read by a query of Bulk API 2.0: fewer calls, and no page that takes longer the further it is.
///
/// Salesforce reads them while the job runs, and they are handed over after that, so a row may be older than what an
/// event told meanwhile. Therefore records are noted from before the job on, whenever an event of them goes by; their
/// rows are not handed over, but read again by the REST API, as are those that had just changed when the job was asked
/// for. A row of any other record is what receivers do not have yet, and every event of it comes behind.
extension BackfillRunner {
    /// Rows of a page of results.
    static let bulkRows = 5_000
    /// Jobs that Salesforce gave up, or forgot: after so many the REST API reads.
    static let maximumJobs = 3
    static let bulkPollBase: Duration = .seconds(1)
    static let bulkPollCeiling: Duration = .seconds(30)

    /// Nothing was read yet, and there is much to read.
    func wantsBulk(_ entry: BackfillOrgs.Entry) -> Bool {
        guard progress.bulk == nil, !progress.isReadingDeleted, progress.records == 0, progress.afterID == nil else {
            return false
        }
        return entry.bulkFrom > 0 && (progress.expected ?? 0) >= entry.bulkFrom
    }

    func startBulk(_ reader: SnapshotReader, number: Int = 1) async throws {
        await parts.gate.follow(plan.subject, for: id)
        let askedAt = parts.time.wall()
        var patience = BackfillPatience()
        while progress.bulk == nil, !isBulkRefused {
            do throws(RESTError) {
                let job = try await BulkQuery(reader.client).start(reader.bulkQuery)
                progress.bulk = BulkPlace(job: job.id, askedAt: askedAt, number: number)
                log.notice("the \(plan.title) reads by bulk query \(job.id)")
            } catch where BackfillPatience.helps(error) {
                try await pause(error, &patience)
            } catch {
                // Not every object and condition can be read by Bulk API 2.0, nor may every user.
                log.notice("the \(plan.title) reads by the REST API: \(error)")
                isBulkRefused = true
            }
        }
        try await save()
        if isBulkRefused { await endBulk() }
    }

    func readBulk(_ reader: SnapshotReader) async throws {
        guard let place = progress.bulk else { return }
        let bulk = BulkQuery(reader.client)
        do throws(BulkLoss) {
            try await finished(place, bulk)
            while progress.bulk != nil, !progress.isReadingDeleted { try await readPage(of: bulk, reader) }
        } catch {
            switch error {
            case .lost(let why): return try await lost(place, why, reader)
            case .other(let error): throw error
            }
        }
        await endBulk()
        // It is forgotten by itself some days later.
        _ = try? await bulk.delete(place.job)
    }

    /// Salesforce prepares the rows first, which may take hours.
    private func finished(_ place: BulkPlace, _ bulk: BulkQuery) async throws(BulkLoss) {
        var pause = Self.bulkPollBase
        while true {
            let job = try await answer { () async throws(RESTError) in try await bulk.status(place.job) }
            switch job.state {
            case .complete: return
            case .failed, .aborted:
                throw .lost(job.errorMessage.isEmpty ? "it ended as \(job.state.rawValue)" : job.errorMessage)
            case .uploadComplete, .inProgress:
                tracker.waits("Salesforce prepares bulk query \(place.job), \(job.recordsProcessed) records so far")
            }
            do { try await parts.time.sleep(pause) } catch { throw .other(error) }
            pause = min(pause * 3 / 2, Self.bulkPollCeiling)
        }
    }

    private func readPage(of bulk: BulkQuery, _ reader: SnapshotReader) async throws(BulkLoss) {
        guard var place = progress.bulk else { return }
        let (job, locator) = (place.job, place.locator)
        let page = try await answer { () async throws(RESTError) in
            try await bulk.page(job, locator: locator, rows: Self.bulkRows)
        }
        do {
            var rows = page.rows.dropFirst(place.taken).makeIterator()
            while place.taken < page.count {
                var piece: [SnapshotRow] = []
                while piece.count < min(pace.rows, reader.maximumRows), let cells = rows.next() {
                    piece.append(try reader.row(columns: page.columns, cells: cells))
                }
                guard !piece.isEmpty else { break }
                try await handOver(piece, askedAt: place.askedAt)
                place.taken += piece.count
                progress.bulk = place
                try await keepUp(reader)
            }
            place.locator = page.nextLocator
            place.taken = 0
            progress.bulk = page.nextLocator == nil ? nil : place
            progress.isReadingDeleted = page.nextLocator == nil
            try await save()
        } catch {
            throw .other((error as? RESTError).map { ReplayFailure("\($0)") } ?? error)
        }
    }

    private func handOver(_ rows: [SnapshotRow], askedAt: Int64) async throws {
        try await room()
        try await parts.gate.enterPage(plan.subject)
        do {
            let overtaken = try await parts.gate.overtaken(rows, plan.subject, of: id)
            let current = rows.filter { !overtaken.contains($0.id) }
            let late = try await hand(
                current, readAt: parts.time.wall(), settledAt: askedAt, loosely: false, areDeleted: false)
            progress.late += overtaken.sorted() + late
            await parts.gate.leavePage(plan.subject)
        } catch {
            await parts.gate.leavePage(plan.subject)
            throw error
        }
    }

    // MARK: Trouble

    /// Why a job's results do not come, so that another one is needed; or anything else.
    private enum BulkLoss: Error {
        case lost(String)
        case other(any Error)
    }

    private func answer<Answer: Sendable>(
        _ body: @Sendable () async throws(RESTError) -> Answer
    ) async throws(BulkLoss) -> Answer {
        var patience = BackfillPatience()
        while true {
            do throws(RESTError) {
                return try await body()
            } catch {
                guard error.kind != .notFound, error.kind != .cursorExpired, error.kind != .rejected else {
                    throw .lost("\(error)")
                }
                do { try await pause(error, &patience) } catch { throw .other(error) }
            }
        }
    }

    /// What was handed over of it comes again with the same delivery IDs.
    private func lost(_ place: BulkPlace, _ why: String, _ reader: SnapshotReader) async throws {
        log.warning("bulk query \(place.job) is of no use: \(why)")
        progress.records = 0
        progress.late = []
        progress.bulk = nil
        guard place.number >= Self.maximumJobs else { return try await startBulk(reader, number: place.number + 1) }
        log.warning("the \(plan.title) reads by the REST API")
        isBulkRefused = true
        try await save()
        await endBulk()
    }

    private func endBulk() async {
        await parts.gate.unfollow(plan.subject, for: id)
        // Rows that stay are of no harm.
        try? await parts.store.forgetPassed(of: id)
    }
}

extension SnapshotReader {
    /// Bulk API 2.0 knows no compound fields; without an order it reads large objects in pieces, beside each other.
    var bulkQuery: String {
        let names = columns.joined(separator: ",")
        return "SELECT \(names) FROM \(entity)" + (condition.map { " WHERE \($0)" } ?? "")
    }

    func row(columns: [String], cells: [String]) throws -> SnapshotRow {
        let named = Dictionary(zip(columns, cells), uniquingKeysWith: { first, _ in first })
        guard let id = named["Id"], !id.isEmpty else {
            throw RESTError(.unreadable, action: "read results of \(entity)", message: "a row has no Id")
        }
        var row = SnapshotRow(id: id, fields: normalizer.normalized(columns: columns, row: cells))
        row.modified = stamp.flatMap { named[$0] }.flatMap { Timestamp.milliseconds(rfc3339: $0) }
        row.created = named["CreatedDate"].flatMap { Timestamp.milliseconds(rfc3339: $0) }
        row.modifiedBy = named["LastModifiedById"].flatMap { $0.isEmpty ? nil : $0 }
        return row
    }
}
