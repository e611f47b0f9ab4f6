import Documents

/// Keys of a destination that say where FlowMate and integrator.io differ from what their documents say.
struct PlatformSettings {
    let node: YAMLNode
    let findings: FindingList

    func read(into destination: inout Destination) {
        destination.runBody = node.text("runBody")
        destination.resolveKey = node.text("resolveKey")
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
}
