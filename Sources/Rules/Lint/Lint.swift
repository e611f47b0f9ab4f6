import Documents
import Events

/// One file of a rules folder.
package struct RuleSource: Sendable, Equatable {
    /// Relative to the folder, as findings name it.
    package var path: String
    package var bytes: [UInt8]

    package init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}

/// Checks a set of rule files and, when nothing is wrong, compiles it. The daemon and `rules lint` run this same code.
package struct Lint {
    package struct Options: Sendable {
        /// Aliases of the orgs in `sluice.yaml`; nil leaves `org` unchecked.
        package var knownOrgs: [String]?
        /// Objects and fields of the org; nil leaves their names and types unchecked.
        package var schema: OrgSchema?

        package init(knownOrgs: [String]? = nil, schema: OrgSchema? = nil) {
            self.knownOrgs = knownOrgs
            self.schema = schema
        }
    }

    private let options: Options
    let findings = FindingList()

    /// All files together are one set: names are unique over it, and one error anywhere keeps it from loading.
    package static func check(_ sources: [RuleSource], options: Options = Options()) -> LintReport {
        Lint(options: options).run(sources.sorted { $0.path < $1.path }).report
    }

    init(options: Options) { self.options = options }

    struct File {
        var source: SourceText
        var root: YAMLNode
    }

    /// What the whole check made: the report, and its parts for who checks again after an edit.
    struct Result {
        var report: LintReport
        var files: [File]
        var destinations: DestinationTable
        var rules: [RuleDecoder.Decoded]
    }

    /// - Parameter sources: sorted by path.
    func run(_ sources: [RuleSource], reusing previous: RuleSet? = nil) -> Result {
        let files = sources.compactMap(read)
        var destinations = destinations(files)
        let readable = Set(files.map(\.source.path))
        destinations.unread = sources.filter { !readable.contains($0.path) }.map { String(decoding: $0.bytes, as: UTF8.self) }
        let rules = files.flatMap { [destinations] in self.rules(of: $0, destinations) }
        checkRuleIDs(files)
        if files.count == sources.count { SetMeaning(findings: findings, rules: rules).check(declared(files)) }
        let sorted = findings.sorted()
        var ruleSet: RuleSet?
        if !findings.hasErrors {
            ruleSet = RuleSet(
                rules: rules.map(\.rule), destinations: destinations.byName,
                hash: RuleSet.contentHash(of: sources), reusing: previous)
        }
        let report = LintReport(
            findings: sorted, ruleSet: ruleSet, fileCount: sources.count, destinations: destinations.byName,
            unshown: findings.unshown)
        return Result(report: report, files: files, destinations: destinations, rules: rules)
    }

    func read(_ source: RuleSource) -> File? {
        let file = CheckedYAML(path: source.path, bytes: source.bytes, table: RuleKeys.file, findings: findings)
        guard let root = file.root else { return nil }
        return File(source: root.source, root: root)
    }

    private func declared(_ files: [File]) -> [YAMLNode.Entry] {
        files.flatMap { $0.root["destinations"]?.entries ?? [] }
    }

    private func destinations(_ files: [File]) -> DestinationTable {
        var places: [String: SourceLocation] = [:]
        var table = DestinationTable()
        for entry in declared(files) {
            let destination = DestinationDecoder(entry: entry, findings: findings).decode()
            if let first = places[entry.key] {
                findings.report(
                    .duplicateID, at: entry,
                    "destination '\(entry.key)' is also defined at \(first.path):\(first.position.line)")
                continue
            }
            places[entry.key] = entry.value.source.location(entry.keyPosition)
            if let destination {
                table.byName[entry.key] = destination
            } else {
                table.broken.insert(entry.key)
            }
        }
        return table
    }

    func rules(of file: File, _ destinations: DestinationTable) -> [RuleDecoder.Decoded] {
        let variables = file.root["vars"]?.entries ?? []
        let vars = Fields(
            variables.map { Fields.Field(name: $0.key, value: $0.value.constant ?? .null) })
        let context = FileContext(
            source: file.source, defaults: file.root["defaults"], vars: vars, destinations: destinations,
            knownOrgs: options.knownOrgs, schema: options.schema, findings: findings)
        guard let list = file.root["rules"], list.isList else { return [] }
        let rules = list.elements.compactMap { RuleDecoder(node: $0, file: context).decode() }
        let used = rules.reduce(into: Set<String>()) { $0.formUnion($1.uses.members(of: "vars")) }
        // What could not be read may be what uses it.
        guard !findings.hasErrors else { return rules }
        for entry in variables where !used.contains(entry.key) {
            findings.report(.unused, .warning, at: entry, "'\(entry.key.shortened)' is never used", hint: "remove it")
        }
        return rules
    }

    private func checkRuleIDs(_ files: [File]) {
        var places: [String: SourceLocation] = [:]
        for id in files.flatMap({ $0.root["rules"]?.elements ?? [] }).compactMap({ $0["id"] }) {
            guard let name = id.scalar?.text else { continue }
            guard let first = places[name] else {
                places[name] = id.source.location(id.position)
                continue
            }
            findings.report(
                .duplicateID, at: id, "rule '\(name.shortened)' is also defined at \(first.path):\(first.position.line)")
        }
    }
}
