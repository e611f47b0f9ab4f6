import Events

/// Reads records as they are now, with the names and types of change events. Keeps nothing.
///
/// Reads that wait at the same moment become one call: of the same record always, of records of one object up to
/// `maximumBatch`. A read never joins a call that was sent before it was asked for, since that may tell an older state.
package actor RecordReader {
    static let maximumBatch = 200
    /// Reads that wait; more are refused.
    static let maximumWaiting = 10_000
    /// A description that lacks a wanted field is asked for again if it is older than this.
    static let unknownFieldAge: Duration = .seconds(60)

    private struct Line: Hashable {
        let entity: String
        /// Sorted; nil is the whole record.
        let fields: [String]?
    }

    private typealias Outcome = Result<Fields?, RESTError>

    private let client: RESTClient
    private let describes: DescribeCache
    private let concurrency: Int
    private var waiters: [Int: CheckedContinuation<Outcome, Never>] = [:]
    /// Who waits for which record, by line; not yet sent.
    private var queued: [Line: [(id: String, waiter: Int)]] = [:]
    private var turns: [Line] = []
    private var running = 0
    private var nextNumber = 0

    /// - Parameter concurrency: calls at once; the client bounds those of everybody.
    package init(_ client: RESTClient, describes: DescribeCache, concurrency: Int = 4) {
        self.client = client
        self.describes = describes
        self.concurrency = concurrency
    }

    var waitingCount: Int { waiters.count }

    /// - Parameters:
    ///   - entity: API name, as `event.entity`.
    ///   - fields: names or paths (`BillingAddress.City`); nil is everything that a change event would carry.
    /// - Returns: nil if the record is gone, or not to be seen. Fields that the user may not see are absent.
    /// - Throws: `RESTError`.
    package func read(entity: String, id: String, fields: [String]?) async throws -> Fields? {
        nextNumber += 1
        let number = nextNumber
        let line = Line(entity: entity, fields: fields.map { Set($0).sorted() })
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { enqueue($0, as: number, id: id, on: line) }
        } onCancel: {
            Task { await self.giveUp(number, entity, id) }
        }
        return try outcome.get()
    }

    private func enqueue(
        _ waiter: CheckedContinuation<Outcome, Never>, as number: Int, id: String, on line: Line
    ) {
        let action = "read \(line.entity) \(id)"
        guard !Task.isCancelled else { return waiter.resume(returning: .failure(.cancelled(action))) }
        guard waiters.count < Self.maximumWaiting else {
            let reason = "\(Self.maximumWaiting) other reads wait already"
            return waiter.resume(returning: .failure(RESTError(.limitReached, action: action, message: reason)))
        }
        waiters[number] = waiter
        if queued[line] == nil { turns.append(line) }
        queued[line, default: []].append((id, number))
        startCalls()
    }

    private func giveUp(_ number: Int, _ entity: String, _ id: String) {
        waiters.removeValue(forKey: number)?.resume(returning: .failure(.cancelled("read \(entity) \(id)")))
    }

    private func startCalls() {
        while running < concurrency, !turns.isEmpty {
            let line = turns.removeFirst()
            let batch = takeBatch(of: line)
            guard !batch.isEmpty else { continue }
            running += 1
            Task {
                let outcomes = await RecordFetch(client: client, describes: describes).outcomes(
                    entity: line.entity, ids: Array(batch.keys), fields: line.fields)
                finish(batch, outcomes)
            }
        }
    }

    /// Waiters by record.
    private func takeBatch(of line: Line) -> [String: [Int]] {
        var batch: [String: [Int]] = [:]
        var later: [(id: String, waiter: Int)] = []
        for entry in queued.removeValue(forKey: line) ?? [] where waiters[entry.waiter] != nil {
            if batch[entry.id] != nil || batch.count < Self.maximumBatch {
                batch[entry.id, default: []].append(entry.waiter)
            } else {
                later.append(entry)
            }
        }
        if !later.isEmpty {
            queued[line] = later
            turns.append(line)
        }
        return batch
    }

    private func finish(_ batch: [String: [Int]], _ outcomes: [String: Outcome]) {
        running -= 1
        for (id, numbers) in batch {
            for number in numbers {
                waiters.removeValue(forKey: number)?.resume(returning: outcomes[id] ?? .success(nil))
            }
        }
        startCalls()
    }
}
