import Documents
import Events
import Synchronization

/// Checks a set again after an edit and reads only the files that changed. The findings are those of `Lint.check`.
///
/// Keeps the compiled rules of each file by the hash of its content, not the files themselves.
package final class LintCache: Sendable {
    private let options: Lint.Options
    private let state = Mutex<State?>(nil)

    package init(options: Lint.Options = Lint.Options()) { self.options = options }

    private struct CachedFile {
        var hash: [UInt8]
        var rules: [Rule]
        var declaresDestinations: Bool
    }

    /// What is left of the last set that had no errors.
    private struct State {
        var files: [String: CachedFile]
        var destinations: DestinationTable
        var findings: [Finding]
        var ruleSet: RuleSet
        var facts: SetFacts
        /// `SameRules.hash` by rule ID.
        var hashes: [String: Int]
    }

    /// - Parameter sources: all files of the set, changed or not.
    package func check(_ sources: [RuleSource]) -> LintReport {
        let sorted = sources.sorted { $0.path < $1.path }
        return state.withLock { state in
            if let known = state, let next = refreshed(known, sorted) {
                state = next
                return LintReport(
                    findings: next.findings, ruleSet: next.ruleSet, fileCount: sources.count,
                    destinations: next.destinations.byName)
            }
            let result = Lint(options: options).run(sorted, reusing: state?.ruleSet)
            // A broken edit keeps what is known of the last good set: most edits after it mend it.
            if let fresh = Self.state(result, sorted) { state = fresh }
            return result.report
        }
    }

    private static func state(_ result: Lint.Result, _ sources: [RuleSource]) -> State? {
        guard let ruleSet = result.report.ruleSet else { return nil }
        let rules = Dictionary(grouping: result.rules.map(\.rule)) { $0.location.path }
        let roots = Dictionary(result.files.map { ($0.source.path, $0.root) }) { one, _ in one }
        var files: [String: CachedFile] = [:]
        for source in sources {
            files[source.path] = CachedFile(
                hash: ContentHash.of(source.bytes), rules: rules[source.path] ?? [],
                declaresDestinations: roots[source.path]?["destinations"] != nil)
        }
        var hashes: [String: Int] = [:]
        for decoded in result.rules { hashes[decoded.rule.id] = SameRules.hash(decoded) }
        return State(
            files: files, destinations: result.destinations, findings: result.report.findings, ruleSet: ruleSet,
            facts: SetFacts(ruleSet.rules), hashes: hashes)
    }

    // MARK: Only what changed

    /// - Returns: nil where more than single files is touched, or where something is wrong: then the whole check speaks.
    private func refreshed(_ known: State, _ sources: [RuleSource]) -> State? {
        let hashes = sources.map { ContentHash.of($0.bytes) }
        var next = known
        next.files = [:]
        var changed: [RuleSource] = []
        for (source, hash) in zip(sources, hashes) {
            if let file = known.files[source.path], file.hash == hash {
                next.files[source.path] = file
            } else {
                changed.append(source)
            }
        }
        let touched = Set(changed.map(\.path)).union(known.files.keys.filter { next.files[$0] == nil })
        guard touched.allSatisfy({ known.files[$0]?.declaresDestinations != true }),
            let decoded = read(changed, known.destinations)
        else { return nil }
        for source in changed {
            next.files[source.path] = CachedFile(
                hash: ContentHash.of(source.bytes), rules: decoded.rules[source.path, default: []].map(\.rule),
                declaresDestinations: false)
        }
        let rules = sources.flatMap { next.files[$0.path]?.rules ?? [] }
        next.facts = SetFacts(rules)
        guard next.facts == known.facts, next.facts.speaksOfNone(decoded.rules.values.joined().map(\.rule)) else {
            return nil
        }
        guard rehash(&next, known, decoded.rules.values.flatMap { $0 }, rules, touched) else { return nil }
        next.findings = (known.findings.filter { !touched.contains($0.location.path) } + decoded.findings)
            .sorted { $0.location < $1.location }
        next.ruleSet = RuleSet(
            rules: rules, destinations: known.destinations.byName, hash: RuleSet.contentHash(of: sources),
            reusing: known.ruleSet)
        return next
    }

    private func read(
        _ sources: [RuleSource], _ destinations: DestinationTable
    ) -> (rules: [String: [RuleDecoder.Decoded]], findings: [Finding])? {
        let lint = Lint(options: options)
        var rules: [String: [RuleDecoder.Decoded]] = [:]
        for source in sources {
            guard let file = lint.read(source), file.root["destinations"] == nil else { return nil }
            rules[source.path] = lint.rules(of: file, destinations)
        }
        return lint.findings.hasErrors ? nil : (rules, lint.findings.sorted())
    }

    /// - Returns: false if an ID occurs twice, or if there is something new to say about rules that do the same.
    private func rehash(
        _ next: inout State, _ known: State, _ fresh: [RuleDecoder.Decoded], _ rules: [Rule], _ touched: Set<String>
    ) -> Bool {
        var hashes: [String: Int] = [:]
        for decoded in fresh { hashes[decoded.rule.id] = SameRules.hash(decoded) }
        for rule in rules where hashes[rule.id] == nil { hashes[rule.id] = known.hashes[rule.id] }
        next.hashes = hashes
        guard hashes.count == rules.count else { return false }
        let twins = Self.twins(rules, hashes)
        return twins.allSatisfy { !touched.contains($0.value.path) }
            && twins == Self.twins(known.ruleSet.rules, known.hashes).filter { !touched.contains($0.value.path) }
    }

    private struct Twin: Equatable {
        var path: String
        var first: SourceLocation
    }

    /// Rules that do what an earlier one does, by ID.
    private static func twins(_ rules: [Rule], _ hashes: [String: Int]) -> [String: Twin] {
        var first: [Int: Rule] = [:]
        var twins: [String: Twin] = [:]
        for rule in rules where rule.mode == .live {
            guard let hash = hashes[rule.id] else { continue }
            if let same = first[hash] {
                twins[rule.id] = Twin(path: rule.location.path, first: same.location)
            } else {
                first[hash] = rule
            }
        }
        return twins
    }
}

/// What set-wide warnings look at. While it stays the same, so do the warnings about files that did not change.
private struct SetFacts: Equatable {
    private var destinations: Set<String> = []
    private var coveredEntities: Set<String> = []
    private var coversAny = false
    private var isLarge: Bool

    init(_ rules: [Rule]) {
        isLarge = rules.count > SetMeaning.manyRules
        for rule in rules {
            for delivery in rule.deliveries { destinations.insert(delivery.destination) }
            guard rule.mode == .live, Self.takesGaps(rule) else { continue }
            switch rule.match.subject {
            case .anyEntity: coversAny = true
            case .entities(let names): coveredEntities.formUnion(names)
            case .events: break
            }
        }
    }

    /// Whether rules that are new to the set get no set-wide warning.
    func speaksOfNone(_ rules: [Rule]) -> Bool {
        rules.allSatisfy { rule in
            let isGapLeftOut =
                !coversAny && rule.onGap == .skip && !Self.takesGaps(rule) && !rule.match.isPlatform
            return !isGapLeftOut && (rule.match.subject != .anyEntity || !isLarge)
        }
    }

    private static func takesGaps(_ rule: Rule) -> Bool {
        !rule.match.changes.isDisjoint(with: ChangeKind.gaps.union([.overflow]))
    }
}
