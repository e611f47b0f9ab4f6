import CEL

/// `orDefault`, `pick`, `drop`, `merge`: what bodies are made with.
extension RuleFunctions {
    private static let map = CELType.map(.string, .dyn)

    static let maps: [CELFunction] = [
        CELFunction(
            "orDefault",
            [
                .receiver(.optional(anything), anything, returns: anything),
                .receiver(.optional(.dyn), .dyn, returns: .dyn).asFallback,
            ],
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
                try frame.charge(30)
                guard let first = try members(left, frame), let second = try members(right, frame) else { return nil }
                var builder = CELMap.Builder()
                for member in first + second {
                    try frame.charge(key: .string(member.name))
                    builder.set(.string(member.name), member.value)
                }
                return .map(builder.build())
            }),
    ]

    /// Members whose names are wanted, in the map's own order.
    private static func filtered(
        _ value: CELValue, _ names: CELValue, _ frame: CELFrame, _ isKept: (Set<CELKey>, CELKey) -> Bool
    ) throws(CELError) -> CELValue? {
        try frame.charge(30)
        guard let members = try members(value, frame), case .list(let elements) = names else { return nil }
        try frame.charge(elements.count)
        var wanted: Set<CELKey> = []
        for element in elements {
            guard case .string(let name) = element else { return nil }
            try frame.charge(key: .string(name))
            wanted.insert(.string(name))
        }
        var kept: [(CELKey, CELValue)] = []
        for member in members {
            let key = CELKey.string(member.name)
            try frame.charge(key: key)
            if isKept(wanted, key) { kept.append((key, member.value)) }
        }
        return .map(CELMap(kept))
    }

    private static func members(
        _ value: CELValue, _ frame: CELFrame
    ) throws(CELError) -> [(name: String, value: CELValue)]? {
        if case .map(let map) = value { try frame.charge(map.count) }
        let members = try value.members()
        if case .object = value { try frame.charge(members?.count ?? 0) }
        return members
    }
}
