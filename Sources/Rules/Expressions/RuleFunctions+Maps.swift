import CEL

/// `orDefault`, `pick`, `drop`, `merge`: what bodies are made with.
extension RuleFunctions {
    private static let map = CELType.map(.string, .dyn)

    static let maps: [CELFunction] = [
        CELFunction(
            "orDefault", [.receiver(.optional(anything), anything, returns: anything)],
            .binary { value, other, _ in
                guard case .optional(let inner) = value else { return nil }
                switch inner {
                case nil, .null?: return other
                case let inner?: return inner
                }
            }),
        CELFunction(
            "pick", [.global(.dyn, .list(.string), returns: map)],
            .binary { value, names, frame throws(CELError) in
                try filtered(value, names, frame) { $0.contains($1) }
            }),
        CELFunction(
            "drop", [.global(.dyn, .list(.string), returns: map)],
            .binary { value, names, frame throws(CELError) in
                try filtered(value, names, frame) { !$0.contains($1) }
            }),
        CELFunction(
            "merge", [.global(.dyn, .dyn, returns: map)],
            .binary { left, right, frame throws(CELError) in
                guard let first = try left.members(), let second = try right.members() else { return nil }
                try frame.charge(30 + first.count + second.count)
                var builder = CELMap.Builder()
                for member in first + second { builder.set(.string(member.name), member.value) }
                return .map(builder.build())
            }),
    ]

    /// Members whose names are wanted, in the map's own order.
    private static func filtered(
        _ value: CELValue, _ names: CELValue, _ frame: CELFrame, _ isKept: (Set<String>, String) -> Bool
    ) throws(CELError) -> CELValue? {
        guard let members = try value.members(), case .list(let elements) = names else { return nil }
        try frame.charge(30 + members.count + elements.count)
        var wanted: Set<String> = []
        for element in elements {
            guard case .string(let name) = element else { return nil }
            wanted.insert(name)
        }
        return .map(CELMap(members.filter { isKept(wanted, $0.name) }.map { (.string($0.name), $0.value) }))
    }
}
