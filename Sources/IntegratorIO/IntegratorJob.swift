import Events

/// A job of a flow: one run of it. Only what a relay looks at.
package struct IntegratorJob: Sendable, Equatable {
    package enum Status: Sendable, Equatable {
        /// `queued`, `running`, `retrying`, `canceling`, and any word that is not known yet.
        case open(String)
        /// Ended; some records may still have failed (`errors`).
        case completed
        case failed
        case canceled

        package init(_ word: String) {
            switch word {
            case "completed": self = .completed
            case "failed": self = .failed
            case "canceled", "cancelled": self = .canceled
            default: self = .open(word)
            }
        }

        package var isOpen: Bool {
            if case .open = self { return true }
            return false
        }
    }

    package var id: String
    package var status: Status
    /// `flow`, `export`, `import`, `retry`, `bulk_retry`; empty when not told.
    package var type: String
    /// Epoch milliseconds by integrator.io's clock; nil when not told.
    package var createdAt: Int64?
    package var errors: Int
    package var successes: Int
    package var pages: Int
    /// Errors that nobody has resolved or retried.
    package var openErrors = 0
    /// Records that the source gave.
    package var exported = 0
    package var ignored = 0
    /// Which resources it is about, and the run that it is part of.
    package var references = References()
    /// Epoch milliseconds.
    package var startedAt: Int64?
    package var endedAt: Int64?

    package struct References: Sendable, Equatable {
        package var integration: String?
        package var flow: String?
        package var export: String?
        package var importer: String?
        package var flowJob: String?

        package init() {}
    }

    package init(
        id: String, status: Status, type: String = "flow", createdAt: Int64? = nil, errors: Int = 0,
        successes: Int = 0, pages: Int = 0
    ) {
        self.id = id
        self.status = status
        self.type = type
        self.createdAt = createdAt
        self.errors = errors
        self.successes = successes
        self.pages = pages
    }

    /// Nil without an ID.
    package init?(_ json: Value) {
        guard let id = json["_id"]?.text else { return nil }
        func time(_ name: String) -> Int64? { json[name]?.text.flatMap(ISOTime.milliseconds) }
        self.init(
            id: id, status: Status(json["status"]?.text ?? ""), type: json["type"]?.text ?? "",
            createdAt: time("createdAt"), errors: json.count("numError"), successes: json.count("numSuccess"),
            pages: json.count("numPagesGenerated"))
        openErrors = json.count("numOpenError")
        exported = json.count("numExport")
        ignored = json.count("numIgnore")
        startedAt = time("startedAt")
        endedAt = time("endedAt")
        references.integration = json["_integrationId"]?.text
        references.flow = json["_flowId"]?.text
        references.export = json["_exportId"]?.text
        references.importer = json["_importId"]?.text
        references.flowJob = json["_flowJobId"]?.text
    }

    /// Runs of the flow itself; retries of single records are no runs.
    package var isRun: Bool { type.isEmpty || type == "flow" }
}

extension IntegratorJob.Status {
    /// As integrator.io writes it.
    package var word: String {
        switch self {
        case .open(let word): word.isEmpty ? "unknown" : word
        case .completed: "completed"
        case .failed: "failed"
        case .canceled: "canceled"
        }
    }
}

/// The answer of `POST /flows/{id}/run`: an object, or a list of them when the flow has several sources.
enum RunAnswer {
    static func jobs(_ json: Value) -> [String] {
        var seen: Set<String> = []
        return (json.list ?? [json]).compactMap { $0["_jobId"]?.text }
            .filter { !$0.isEmpty && seen.insert($0).inserted }
    }
}
