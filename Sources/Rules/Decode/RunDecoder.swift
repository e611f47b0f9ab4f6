import Documents

/// A delivery that runs an integrator.io flow → `RunSpec`.
struct RunDecoder {
    let node: YAMLNode
    let delivery: DeliveryDecoder
    let findings: FindingList

    func decode(_ flow: YAMLNode) -> DeliverySpec.Target? {
        let isCoalesced = node.entry("coalesce") != nil
        checkKeys()
        let times = delivery.parser(.time, isCoalesced: isCoalesced)
        guard let id = delivery.parser(.text, isCoalesced: isCoalesced).text(flow) else { return nil }
        let coalesce = node["coalesce"]
        return .run(
            RunSpec(
                flow: id, exports: node.texts("exports").map { $0.lowercased() },
                from: node["window"]?["from"].flatMap(times.time), until: node["window"]?["until"].flatMap(times.time),
                key: coalesce?["key"].flatMap(delivery.parser(.text).text),
                quietMilliseconds: coalesce?.milliseconds("quiet") ?? 10_000,
                maximumMilliseconds: coalesce?.milliseconds("max") ?? 120_000,
                limit: coalesce?.integer("limit") ?? 1000))
    }

    private func checkKeys() {
        if let body = node.entry("body") {
            findings.report(.bothGiven, at: body, "'flow' and 'body' cannot both be given", hint: "a run has no body")
        }
        if let key = node.entry("key") {
            findings.report(
                .notSupported, at: key, "'key' is not available for runs in this version",
                hint: "leave it out: runs of one flow go one after another; 'coalesce' has a key of its own")
        }
        guard let coalesce = node["coalesce"] else { return }
        for (key, only) in [("mode", "batch"), ("keep", "ids"), ("transaction", "false")] {
            guard let value = coalesce[key], let text = value.scalar?.text, text != only else { continue }
            findings.report(
                .notSupported, at: value, "'\(key): \(text.shortened)' is not available in this version",
                hint: "write \(key): \(only), or leave it out")
        }
    }
}
