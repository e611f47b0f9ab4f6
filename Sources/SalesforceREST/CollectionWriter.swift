import Events

/// Many records written by collections: 200 in a call, one call after another, each record with an outcome of its own.
package struct CollectionWriter: Sendable {
    package enum Write: Sendable {
        case create(String)
        /// Each record has its `Id`.
        case update(String)
        /// Each record has the external ID among its fields.
        case upsert(String, by: String)
        /// Of each record only its `Id` counts.
        case delete
    }

    package enum Outcome: Sendable, Equatable {
        case done(RESTClient.Saved)
        case failed(RESTError)
        /// The answer was lost: it may have been done.
        case unknown(RESTError)
        /// An earlier call failed as a whole, or somebody stopped.
        case unsent
    }

    private let client: RESTClient
    private let write: Write
    private let allOrNone: Bool

    /// - Parameter allOrNone: one failure takes everything back. For what goes into one call only.
    package init(_ client: RESTClient, _ write: Write, allOrNone: Bool = false) {
        self.client = client
        self.write = write
        self.allOrNone = allOrNone
    }

    /// - Parameters:
    ///   - isStopped: asked before each call; what is not sent by then stays so.
    ///   - told: the outcomes of the next records, in their order; every record is told of.
    /// - Returns: the failure of a whole call, after which nothing more was sent.
    package func write(
        _ records: [Fields], isStopped: () -> Bool = { false }, told: ([Outcome]) -> Void
    ) async -> RESTError? {
        var rest = records[...]
        precondition(!allOrNone || rest.count <= RESTClient.maximumCollection, "calls cannot take one another back")
        while !rest.isEmpty {
            guard !isStopped() else {
                told(rest.map { _ in .unsent })
                return .cancelled("write \(rest.count) more records")
            }
            let part = Array(rest.prefix(RESTClient.maximumCollection))
            do throws(RESTError) {
                told(try await outcomes(of: part))
            } catch {
                told(part.map { _ in error.mayHaveBeenDone ? .unknown(error) : .failed(error) })
                told(rest.dropFirst(part.count).map { _ in .unsent })
                return error
            }
            rest = rest.dropFirst(part.count)
        }
        return nil
    }

    /// Records that another transaction has locked are sent again: nothing was done to them.
    private func outcomes(of records: [Fields]) async throws(RESTError) -> [Outcome] {
        var outcomes = try await sent(records)
        var retry = RESTRetry()
        var generator = SystemRandomNumberGenerator()
        while true {
            let again = repeatable(outcomes)
            guard let error = again.compactMap({ outcomes[$0].lock }).first,
                case .wait(let pause) = retry.next(after: error, isRepeatable: true, using: &generator)
            else { return outcomes }
            do { try await client.time.sleep(pause) } catch { return outcomes }
            do throws(RESTError) {
                let results = try await sent(again.map { records[$0] })
                for (place, outcome) in zip(again, results) { outcomes[place] = outcome }
            } catch {
                // What the first call did stands, whatever became of the second.
                for place in again { outcomes[place] = error.mayHaveBeenDone ? .unknown(error) : .failed(error) }
                return outcomes
            }
        }
    }

    /// Places of what is worth another try.
    private func repeatable(_ outcomes: [Outcome]) -> [Int] {
        guard allOrNone else { return outcomes.indices.filter { outcomes[$0].lock != nil } }
        // The others were taken back because of the locked ones alone.
        let isWorthIt = outcomes.allSatisfy { outcome in
            guard case .failed(let error) = outcome else { return false }
            return outcome.lock != nil || error.code == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
        }
        return isWorthIt ? Array(outcomes.indices) : []
    }

    private func sent(_ records: [Fields]) async throws(RESTError) -> [Outcome] {
        let results: [RESTClient.SaveResult] =
            switch write {
            case .create(let entity): try await client.create(entity, records, allOrNone: allOrNone)
            case .update(let entity): try await client.update(entity, records, allOrNone: allOrNone)
            case .upsert(let entity, let field):
                try await client.upsert(entity, by: field, records, allOrNone: allOrNone)
            case .delete:
                try await client.delete(ids: records.map { $0["Id"]?.text ?? "" }, allOrNone: allOrNone)
            }
        return results.map { result in
            switch result {
            case .saved(let saved): .done(saved)
            case .failed(let error): .failed(error)
            }
        }
    }
}

extension CollectionWriter.Outcome {
    /// Why it failed, if another transaction had the record.
    fileprivate var lock: RESTError? {
        if case .failed(let error) = self, error.kind == .rowLocked { error } else { nil }
    }
}
