import Events

extension RESTClient {
    /// Of all records of a call, children included.
    static let maximumTree = 200

    /// What became of a tree: all of it, or nothing.
    package enum TreeResult: Sendable, Equatable {
        case created([Created])
        /// The records that stood in the way.
        case failed([Failed])

        package struct Created: Sendable, Equatable {
            package var referenceID: String
            package var id: String
        }

        package struct Failed: Sendable, Equatable {
            package var referenceID: String
            package var error: RESTError
        }
    }

    /// Records with their children, nested as the guide writes them; created all or none.
    ///
    /// - Parameter records: each with `attributes` that tell its `type` and its `referenceId`.
    package func createTree(_ entity: String, _ records: [Value]) async throws(RESTError) -> TreeResult {
        let count = records.reduce(0) { $0 + Self.treeCount($1) }
        let action = "create a tree of \(count == 1 ? "1 record" : "\(count) records") below \(entity)"
        try Self.check(count, Self.maximumTree, action)
        var call = RESTCall(
            .post, RESTCall.path("composite", "tree", entity), json: .record(["records": .list(records)]),
            action: action)
        // Which records failed stands in the answer.
        call.alsoWanted = [400]
        var retry = RESTRetry()
        var generator = SystemRandomNumberGenerator()
        while true {
            let result = try Self.treeResult(await send(call))
            guard case .failed(let failures) = result, failures.allSatisfy({ $0.error.kind == .rowLocked }),
                case .wait(let pause) = retry.next(after: failures[0].error, isRepeatable: true, using: &generator)
            else { return result }
            do { try await time.sleep(pause) } catch { throw .cancelled(action) }
        }
    }

    private static func treeResult(_ answer: RESTAnswer) throws(RESTError) -> TreeResult {
        let body = try answer.json()
        guard let results = body.list("results"), !results.isEmpty else {
            if answer.status == 400 { throw RESTError(answer.response, action: answer.action) }
            throw answer.unexpected("it has no results")
        }
        if body.flag("hasErrors") || answer.status == 400 {
            return .failed(
                results.map { result in
                    .init(
                        referenceID: result.text("referenceId") ?? "",
                        error: RESTError(
                            item: .list(result.list("errors") ?? []), status: 400, action: answer.action))
                })
        }
        return .created(
            results.map { .init(referenceID: $0.text("referenceId") ?? "", id: $0.text("id") ?? "") })
    }

    /// One record and those below it: its fields that are lists of `records`.
    private static func treeCount(_ record: Value) -> Int {
        guard let fields = record.fields else { return 1 }
        return fields.fields.reduce(1) { count, field in
            count + (field.value.list("records") ?? []).reduce(0) { $0 + treeCount($1) }
        }
    }
}
