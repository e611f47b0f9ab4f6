import Documents

/// `coalesce` → `Coalesce`.
struct CoalesceDecoder {
    let node: YAMLNode
    /// The key is computed from one event.
    let parser: TemplateParser
    let isRun: Bool
    let findings: FindingList

    func decode() -> Coalesce {
        var coalesce = Coalesce()
        coalesce.mode = node.text("mode").flatMap(Coalesce.Mode.init) ?? .batch
        coalesce.key = node["key"].flatMap(parser.text)
        coalesce.quietMilliseconds = node.milliseconds("quiet") ?? coalesce.quietMilliseconds
        coalesce.maximumMilliseconds = node.milliseconds("max") ?? coalesce.maximumMilliseconds
        coalesce.limit = node.integer("limit") ?? coalesce.limit
        coalesce.byTransaction = node.bool("transaction")
        coalesce.keepsRecords = node.text("keep") == "records"
        checkMeaning(coalesce)
        return coalesce
    }

    private func checkMeaning(_ coalesce: Coalesce) {
        if isRun, let mode = node["mode"], coalesce.mode == .latest {
            findings.report(
                .wrongKind, at: mode, "'mode: latest' is not for runs of a flow, which carry no records",
                hint: "leave it out")
        }
        if let keep = node["keep"], coalesce.keepsRecords, isRun || coalesce.mode == .latest {
            findings.report(
                .wrongKind, at: keep,
                isRun ? "'keep' is not for runs of a flow, which carry no records" : "'keep' is only for mode batch",
                hint: "leave it out")
        }
        if let quiet = node["quiet"], coalesce.quietMilliseconds > coalesce.maximumMilliseconds {
            findings.report(.badValue, at: quiet, "'quiet' is longer than 'max', so it never decides", hint: "raise 'max'")
        }
    }
}
