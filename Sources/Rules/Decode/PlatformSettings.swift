import Documents

/// Keys of a destination that say where FlowMate and integrator.io differ from what their documents say.
struct PlatformSettings {
    let node: YAMLNode
    let findings: FindingList

    static let refreshMilliseconds: ClosedRange<Int64> = 10_000...86_400_000

    func read(into destination: inout Destination) {
        destination.discovery = discovery()
        destination.flowConcurrency = node.integer("flowConcurrency") ?? destination.flowConcurrency
        destination.runBody = node.text("runBody")
        destination.resolveKey = node.text("resolveKey")
        destination.recordErrors = node.text("recordErrors")
        for entry in node["paths"]?.entries ?? [] {
            guard let path = entry.value.scalar?.text else { continue }
            guard path.hasPrefix("/"), path.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7F }),
                !path.contains(where: { $0 == "?" || $0 == "#" })
            else {
                findings.report(
                    .badValue, at: entry.value, "'\(path.shortened)' is not a path",
                    hint: "a path starts with a slash: /api/users")
                continue
            }
            destination.paths[entry.key] = path.hasSuffix("/") ? String(path.dropLast()) : path
        }
    }

    private func discovery() -> Destination.Discovery {
        var discovery = Destination.Discovery()
        guard let given = node["discovery"], given.isMap else { return discovery }
        discovery.templates = Set(given.texts("templates"))
        guard let value = given["refresh"], let refresh = given.milliseconds("refresh") else { return discovery }
        guard Self.refreshMilliseconds.contains(refresh) else {
            findings.report(.badValue, at: value, "'refresh' is from 10s to 24h")
            return discovery
        }
        discovery.refresh = .milliseconds(refresh)
        return discovery
    }
}
