import Events

/// What to ask of the list of flows.
package struct FlowMateFlowFilter: Sendable, Equatable {
    package enum Status: String, Sendable, CaseIterable { case active, inactive }
    package enum Kind: String, Sendable, CaseIterable {
        case ordinary
        case longRunning = "long_running"
    }
    /// A `-` before it reverses the order.
    package enum Order: String, Sendable, CaseIterable { case createdAt, updatedAt, name }

    package var status: Status?
    /// FlowMate's own ID of a user, from the list of users.
    package var user: String?
    package var kind: Kind?
    package var template: String?
    /// Part of name or description.
    package var search: String?
    package var order: Order?
    package var isDescending = false

    package init(status: Status? = nil, user: String? = nil, template: String? = nil) {
        self.status = status
        self.user = user
        self.template = template
    }

    var query: [(name: String, value: String)] {
        let sort = order.map { (isDescending ? "-" : "") + $0.rawValue }
        let all: [(String, String?)] = [
            ("filter[status]", status?.rawValue), ("filter[user]", user), ("filter[type]", kind?.rawValue),
            ("filter[fromTemplate]", template), ("sort", sort), ("search", search),
        ]
        return all.compactMap { name, value in value.map { (name, $0) } }
    }
}

/// One pass over all pages of the list of flows.
package struct FlowMateFlowScan: Sendable, Equatable {
    /// Each flow once. Pages shift when flows are switched while they are read, so a flow may be missing although
    /// it exists.
    package var flows: [FlowMateFlow]
    /// False when there were more pages than are read.
    package var isComplete: Bool

    package init(flows: [FlowMateFlow], isComplete: Bool = true) {
        self.flows = flows
        self.isComplete = isComplete
    }
}

extension FlowMateClient {
    /// Flows in one page; FlowMate's own default of 10 makes integrations miss flows.
    static let flowsPerPage = 100
    /// Later pages are not read.
    static let maximumPages = 1_000

    /// The list is read so often while it changes under the reading.
    static let maximumPasses = 3

    /// All flows that the filter lets through, page by page, each once.
    ///
    /// A flow that is switched or removed meanwhile shifts the pages behind it, and another one slips past. What the
    /// list says of its own length shows it: it is read again then, and every flow that any pass showed counts.
    package func flows(
        _ filter: FlowMateFlowFilter = FlowMateFlowFilter()
    ) async throws(FlowMateError) -> FlowMateAnswer<FlowMateFlowScan> {
        try check(filter)
        var found = Found()
        for _ in 0..<Self.maximumPasses {
            let pass = try await pass(filter, &found)
            if pass.isStill || !pass.isComplete { return found.answer(isComplete: pass.isComplete) }
        }
        return found.answer(isComplete: true)
    }

    /// Flows of all passes, in the order in which they were first shown.
    private struct Found {
        private var flows: [(flow: FlowMateFlow, document: Value)] = []
        private var places: [String: Int] = [:]

        mutating func take(_ flow: FlowMateFlow, _ document: Value) {
            if let place = places[flow.id] {
                flows[place] = (flow, document)
            } else {
                places[flow.id] = flows.count
                flows.append((flow, document))
            }
        }

        func answer(isComplete: Bool) -> FlowMateAnswer<FlowMateFlowScan> {
            FlowMateAnswer(
                FlowMateFlowScan(flows: flows.map(\.flow), isComplete: isComplete), json: .list(flows.map(\.document)))
        }
    }

    private func pass(
        _ filter: FlowMateFlowFilter, _ found: inout Found
    ) async throws(FlowMateError) -> (isStill: Bool, isComplete: Bool) {
        var totals: Set<Int64> = []
        var seen: Set<String> = []
        for number in 1...Self.maximumPages {
            let page = try await page(number, filter)
            for (flow, document) in zip(page.flows, page.documents) {
                found.take(flow, document)
                seen.insert(flow.id)
            }
            if let total = page.total { totals.insert(total) }
            guard page.isLast(number) else { continue }
            let isStill = totals.isEmpty || totals == [Int64(seen.count)]
            return (isStill, true)
        }
        return (false, false)
    }

    private struct Page {
        var flows: [FlowMateFlow]
        var documents: [Value]
        var pages: Int64?
        /// Flows in the whole list.
        var total: Int64?
        /// A gateway may allow less than was asked for.
        var size: Int

        /// The count of pages decides where it is told: a page may come short because flows vanish meanwhile.
        func isLast(_ number: Int) -> Bool {
            if documents.isEmpty { return true }
            if let pages { return number >= pages }
            return documents.count < size
        }
    }

    private func page(_ number: Int, _ filter: FlowMateFlowFilter) async throws(FlowMateError) -> Page {
        precondition(number >= 1, "FlowMate never answers a request for page 0")
        let paging = [("page[size]", String(Self.flowsPerPage)), ("page[number]", String(number))]
        let call = FlowMateCall(path: settings.paths.flows, query: paging + filter.query, action: "list flows")
        let json = try await answer(call)
        guard let documents = json["data"]?.list else { throw unreadable(call) }
        let flows = documents.compactMap(FlowMateFlow.init)
        guard flows.count == documents.count else { throw unreadable(call) }
        let size = json["meta"]?["perPage"]?.integer.map { Int(clamping: $0) } ?? Self.flowsPerPage
        return Page(
            flows: flows, documents: documents, pages: json["meta"]?["totalPages"]?.integer,
            total: json["meta"]?["total"]?.integer,
            size: min(max(size, 1), Self.flowsPerPage))
    }

    private func check(_ filter: FlowMateFlowFilter) throws(FlowMateError) {
        for (name, id) in [("user", filter.user), ("template", filter.template)] {
            guard let id, !FlowMateWebhook.isFlowID(id) else { continue }
            throw .input(
                "list flows", "the \(name) '\(id)' is no FlowMate ID, which has 24 hex digits; is it a name?")
        }
    }
}
