/// What to ask of the list of jobs.
package struct IntegratorJobFilter: Sendable, Equatable {
    package var integration: String?
    package var flow: String?
    package var export: String?
    package var importer: String?
    /// The run whose steps are wanted.
    package var flowJob: String?
    /// Epoch milliseconds, both included.
    package var createdFrom: Int64?
    package var createdUntil: Int64?
    /// `running`, `failed`, …
    package var status: String?
    /// `flow`, `export`, `import`, `retry`, `bulk_retry`
    package var type: String?

    package init(flow: String? = nil, createdFrom: Int64? = nil) {
        self.flow = flow
        self.createdFrom = createdFrom
    }

    /// Why integrator.io would refuse it; nil when it would not.
    var obstacle: String? {
        let resources = [integration, flow, export, importer, flowJob]
        if type == "export" || type == "import" {
            guard flowJob != nil || export != nil || importer != nil else {
                return "jobs of type \(type ?? "") are listed by their run, export or import; name one"
            }
            return nil
        }
        guard resources.contains(where: { $0 != nil }) || createdFrom != nil || createdUntil != nil else {
            return "integrator.io wants a flow, an integration, an export, an import, a run, or a time"
        }
        return nil
    }

    /// - Parameter before: in place of `createdUntil`, for later pages.
    func query(before: Int64?) -> [(name: String, value: String)] {
        let all: [(String, String?)] = [
            ("_integrationId", integration), ("_flowId", flow), ("_exportId", export), ("_importId", importer),
            ("_flowJobId", flowJob), ("type", type), ("status", status),
            ("createdAt_gte", createdFrom.map(ISOTime.text)),
            ("createdAt_lte", (before ?? createdUntil).map(ISOTime.text)),
        ]
        return all.compactMap { name, value in value.map { (name, $0) } }
    }
}
