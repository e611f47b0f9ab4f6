/// Two names in sluice.yaml for one org: sound, but seldom meant.
package enum SameOrg {
    package static let advice = "Keep one of them in sluice.yaml, with the topics of both."

    static func problem(_ alias: String, _ other: String, _ id: String) -> String {
        "\(other) and \(alias) are the same org (\(id)): an event of a topic that both subscribe to counts twice against the "
            + "org's delivery allocation, and is sent twice, with the same delivery ID."
    }

    /// - Parameter results: of all orgs, in their order.
    package static func check(_ results: [CheckResult]) -> [CheckResult] {
        var first: [String: String] = [:]
        return results.compactMap { result in
            guard let org = result.signedIn else { return nil }
            guard let other = first[org.orgID] else {
                first[org.orgID] = org.alias
                return nil
            }
            return CheckResult(.warning, "org \(org.alias)", problem(org.alias, other, org.orgID), advice: advice)
        }
    }
}
