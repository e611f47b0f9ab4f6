/// A job of a flow: one run of it. Only what a relay looks at.
package struct IntegratorJob: Sendable, Equatable, Decodable {
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

    private enum Key: String, CodingKey {
        case _id, status, type, createdAt, numError, numSuccess, numPagesGenerated
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        id = try fields.decode(String.self, forKey: ._id)
        status = Status((try? fields.decode(String.self, forKey: .status)) ?? "")
        type = (try? fields.decode(String.self, forKey: .type)) ?? ""
        createdAt = (try? fields.decode(String.self, forKey: .createdAt)).flatMap(ISOTime.milliseconds)
        errors = (try? fields.decode(Int.self, forKey: .numError)) ?? 0
        successes = (try? fields.decode(Int.self, forKey: .numSuccess)) ?? 0
        pages = (try? fields.decode(Int.self, forKey: .numPagesGenerated)) ?? 0
    }

    /// Runs of the flow itself; retries of single records are no runs.
    package var isRun: Bool { type.isEmpty || type == "flow" }
}

/// The answer of `POST /flows/{id}/run`: an object, or a list of them when the flow has several sources.
struct RunAnswer: Decodable {
    private struct Entry: Decodable { var _jobId: String? }

    var jobs: [String]

    init(from decoder: any Decoder) throws {
        let content = try decoder.singleValueContainer()
        let entries = try (try? content.decode([Entry].self)) ?? [content.decode(Entry.self)]
        var seen: Set<String> = []
        jobs = entries.compactMap(\._jobId).filter { !$0.isEmpty && seen.insert($0).inserted }
    }
}
