extension StandardLibrary {
    static let listFunctions: [CELFunction] = [
        CELFunction("distinct", [.receiver(.list(anything), returns: .list(anything))], .unary(distinct)),
        CELFunction(
            "first", [.receiver(.list(anything), returns: .optional(anything))],
            .unary { value, _ in
                guard case .list(let elements) = value else { return nil }
                return .optional(elements.first)
            }),
        CELFunction(
            "last", [.receiver(.list(anything), returns: .optional(anything))],
            .unary { value, _ in
                guard case .list(let elements) = value else { return nil }
                return .optional(elements.last)
            }),
        CELFunction("slice", [.receiver(.list(anything), .int, .int, returns: .list(anything))], .general(slice)),
        CELFunction("sort", [.receiver(.list(anything), returns: .list(anything))], .unary(sort)),
    ]

    /// The first of equal elements stays.
    @Sendable private static func distinct(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        guard case .list(let elements) = value else { return nil }
        var seen: Set<CELKey> = []
        var kept: [CELValue] = []
        var unhashed: [CELValue] = []
        for element in elements {
            try frame.charge(items: 1)
            if let key = CELKey(element) {
                try frame.charge(items: element.textSize)
                guard seen.insert(key).inserted else { continue }
            } else {
                guard try !contains(.list(unhashed), element, frame, at: 0..<0) else { continue }
                unhashed.append(element)
            }
            kept.append(element)
        }
        return .list(kept)
    }

    @Sendable private static func slice(_ arguments: [CELValue], _ frame: CELFrame) throws(CELError) -> CELValue? {
        guard case .list(let elements) = arguments[0], case .int(let start) = arguments[1],
            case .int(let end) = arguments[2]
        else { return nil }
        guard start >= 0, start <= end, end <= elements.count else {
            throw CELError(
                .indexOutOfRange, "the slice from \(start) to \(end) is outside of the list of \(elements.count)")
        }
        try frame.charge(items: Int(end - start))
        return .list(Array(elements[Int(start)..<Int(end)]))
    }

    /// Stable. Elements must be of one ordered kind; numbers count as one.
    @Sendable private static func sort(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        guard case .list(let elements) = value else { return nil }
        guard let first = elements.first else { return value }
        // About n log n comparisons, each of which may read whole texts.
        let rounds = Int.bitWidth - elements.count.leadingZeroBitCount
        for element in elements {
            try frame.charge(items: rounds * (max(1, element.textSize) + 1) + 1)
            guard compareValues(first, element) != nil else { throw noOverload("'sort'", [first, element], at: nil) }
        }
        return .list(elements.sorted { compareValues($0, $1) == .less })
    }
}
