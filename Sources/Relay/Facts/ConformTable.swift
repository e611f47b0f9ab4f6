import Events
import FlowMate
import Rules
import Synchronization

/// What `conform` of the rule in force says about a delivery. A rule that was mended counts at once, also for what was
/// rendered before.
final class ConformTable: Sendable {
    private struct Content {
        var hash: String
        var conforms: [String: [FlowConform]]
    }

    private let rules: CurrentRules
    private let content: Mutex<Content?>

    init(_ rules: CurrentRules) {
        self.rules = rules
        content = Mutex(nil)
    }

    func conform(of delivery: Delivery, flow: String) -> Conform {
        let rules = rules.current
        let all = content.withLock { content in
            if let content, content.hash == rules.hash { return content.conforms[delivery.rule] ?? [] }
            let fresh = Content(hash: rules.hash, conforms: rules.flowConforms)
            content = fresh
            return fresh.conforms[delivery.rule] ?? []
        }
        let here = all.filter { $0.destination == delivery.destination }
        let found = here.first { $0.flow == flow } ?? here.first { $0.flow == nil }
        return found?.conform ?? Self.withoutRule
    }

    /// The rule is gone, and what it allowed with it; nothing is taken out of what it rendered.
    private static let withoutRule: Conform = {
        var conform = Conform()
        conform.dropsExtraKeys = false
        return conform
    }()
}

extension ContractCheck {
    init(_ conform: Conform) {
        let mode: Mode =
            switch conform.mode {
            case .strict: .strict
            case .warn: .warn
            case .off: .off
            }
        self.init(
            mode: mode, extraKeys: conform.dropsExtraKeys ? .drop : .pass, nullable: Set(conform.nullable),
            optional: Set(conform.optional))
    }
}
