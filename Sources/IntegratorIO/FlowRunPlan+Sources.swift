/// Claims on sources that the flow does not have, or no longer: they must not hold up the others.
extension FlowRunPlan {
    func namesMissing(_ claim: Claim) -> Bool { !missingSources.isDisjoint(with: claim.request.exports) }

    /// Takes what a check found out.
    ///
    /// - Returns: what stands in the way of every run; nil if some claims can be run.
    mutating func obstacle(of flow: IntegratorFlow) -> String? {
        missingSources = []
        let missing = flow.findings.filter { $0.problem == .noSuchSource }
        var others = flow
        others.findings.removeAll { $0.problem == .noSuchSource }
        if let obstacle = others.obstacle { return obstacle }
        missingSources = Set(missing.map(\.subject))
        guard let last = waiting.lastIndex(where: { !namesMissing($0) }) else {
            missingSources = []
            return flow.obstacle
        }
        passBy(before: last)
        return nil
    }

    /// Whoever wrote the later claims knows the flow as it is: those before are of a rule, or of a flow, that was changed
    /// since. What comes after waits for somebody to set it right.
    private mutating func passBy(before index: Int) {
        let gone = waiting[..<index].filter(namesMissing)
        guard !gone.isEmpty else { return }
        let ids = Set(gone.map(\.id))
        let sources = missingSources.intersection(gone.flatMap(\.request.exports)).sorted().joined(separator: ", ")
        let reason = "flow \(flow) has no source \(sources), and later events name sources that it has"
        waiting.removeAll { ids.contains($0.id) }
        regather()
        known.subtract(ids)
        toBury.append((gone.map(\.id), reason))
        tell(.alarm, "\(reason): \(gone.count) claims become dead letters")
    }
}
