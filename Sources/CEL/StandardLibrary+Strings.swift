extension StandardLibrary {
    static let stringFunctions: [CELFunction] = [
        test("contains", text(_:contains:)), test("startsWith", text(_:hasPrefix:)),
        test("endsWith", text(_:hasSuffix:)),
        CELFunction(
            "matches",
            [.receiver(.string, .string, returns: .bool), .global(.string, .string, returns: .bool)],
            specialization: Pattern.specialize, .binary(Pattern.matches)),
        CELFunction(
            "charAt", [.receiver(.string, .int, returns: .string)],
            .binary { text, index, frame throws(CELError) in
                guard case .string(let text) = text, case .int(let index) = index else { return nil }
                let scalars = try scalars(text, frame)
                let at = try position(index, in: scalars)
                return .string(string(scalars[at..<min(at + 1, scalars.count)]))
            }),
        CELFunction("indexOf", searchOverloads, .general(indexOf)),
        CELFunction("lastIndexOf", searchOverloads, .general(lastIndexOf)),
        casing("lowerAscii") { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 },
        casing("upperAscii") { (0x61...0x7A).contains($0) ? $0 - 0x20 : $0 },
        CELFunction(
            "substring",
            [.receiver(.string, .int, returns: .string), .receiver(.string, .int, .int, returns: .string)],
            .general(substring)),
        CELFunction("trim", [.receiver(.string, returns: .string)], .unary(trim)),
        CELFunction(
            "reverse", [.receiver(.string, returns: .string)],
            .unary { text, frame throws(CELError) in
                guard case .string(let text) = text else { return nil }
                return .string(string(try scalars(text, frame).reversed()))
            }),
        CELFunction("strings.quote", [.global(.string, returns: .string)], .unary(quote)),
        CELFunction(
            "format", [.receiver(.string, .list(.dyn), returns: .string)],
            .binary { template, arguments, frame throws(CELError) in
                guard case .string(let template) = template, case .list(let arguments) = arguments else { return nil }
                return .string(try StringFormat.format(template, arguments, frame))
            }),
    ]

    private static let searchOverloads: [CELOverload] = [
        .receiver(.string, .string, returns: .int), .receiver(.string, .string, .int, returns: .int),
    ]

    private static func test(
        _ name: String, _ holds: @escaping @Sendable (String, String) -> Bool
    ) -> CELFunction {
        CELFunction(
            name, [.receiver(.string, .string, returns: .bool)],
            .binary { text, part, frame throws(CELError) in
                guard case .string(let text) = text, case .string(let part) = part else { return nil }
                try frame.charge(search: part.utf8.count, in: text.utf8.count)
                return .bool(holds(text, part))
            })
    }

    private static func casing(_ name: String, _ change: @escaping @Sendable (UInt8) -> UInt8) -> CELFunction {
        CELFunction(
            name, [.receiver(.string, returns: .string)],
            .unary { text, frame throws(CELError) in
                guard case .string(let text) = text else { return nil }
                try frame.charge(items: text.utf8.count)
                return .string(String(decoding: text.utf8.map(change), as: UTF8.self))
            })
    }
}

/// Positions in text count Unicode scalars.
extension StandardLibrary {
    static func scalars(_ text: String, _ frame: CELFrame) throws(CELError) -> [Unicode.Scalar] {
        try frame.charge(items: text.utf8.count)
        return Array(text.unicodeScalars)
    }

    static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    private static func position(_ index: Int64, in scalars: [Unicode.Scalar]) throws(CELError) -> Int {
        guard (0...Int64(scalars.count)).contains(index) else {
            throw CELError(.indexOutOfRange, "the index \(index) is outside of the text of \(scalars.count)")
        }
        return Int(index)
    }

    /// The texts and the position of `indexOf` and `lastIndexOf`.
    private static func search(
        _ arguments: [CELValue], _ frame: CELFrame
    ) throws(CELError) -> (text: [Unicode.Scalar], part: [Unicode.Scalar], from: Int?)? {
        guard case .string(let text) = arguments[0], case .string(let part) = arguments[1] else { return nil }
        let found = (text: try scalars(text, frame), part: try scalars(part, frame))
        try frame.charge(search: found.part.count, in: found.text.count)
        guard arguments.count > 2 else { return (found.text, found.part, nil) }
        guard case .int(let index) = arguments[2] else { return nil }
        return (found.text, found.part, try position(index, in: found.text))
    }

    @Sendable private static func indexOf(_ arguments: [CELValue], _ frame: CELFrame) throws(CELError) -> CELValue? {
        guard let (text, part, from) = try search(arguments, frame) else { return nil }
        return .int(Int64(occurrence(of: part, in: text, from: from ?? 0) ?? -1))
    }

    @Sendable private static func lastIndexOf(_ arguments: [CELValue], _ frame: CELFrame) throws(CELError) -> CELValue?
    {
        guard let (text, part, from) = try search(arguments, frame) else { return nil }
        guard part.count <= text.count else { return .int(-1) }
        var index = min(from ?? text.count, text.count - part.count)
        while index >= 0 {
            if text[index..<index + part.count].elementsEqual(part) { return .int(Int64(index)) }
            index -= 1
        }
        return .int(-1)
    }

    static func occurrence(of part: [Unicode.Scalar], in text: [Unicode.Scalar], from start: Int) -> Int? {
        part.withUnsafeBufferPointer { part in
            text.withUnsafeBufferPointer { firstIndex(of: part, in: $0, from: start) }
        }
    }

    @Sendable private static func substring(_ arguments: [CELValue], _ frame: CELFrame) throws(CELError) -> CELValue? {
        guard case .string(let text) = arguments[0], case .int(let start) = arguments[1] else { return nil }
        let scalars = try scalars(text, frame)
        var end = scalars.count
        if arguments.count > 2 {
            guard case .int(let given) = arguments[2] else { return nil }
            end = try position(given, in: scalars)
        }
        let from = try position(start, in: scalars)
        guard from <= end else {
            throw CELError(.indexOutOfRange, "the text's part from \(start) to \(end) runs backwards")
        }
        return .string(string(scalars[from..<end]))
    }

    @Sendable private static func trim(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        guard case .string(let text) = value else { return nil }
        let scalars = try scalars(text, frame)
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return .string("") }
        return .string(string(scalars[first...last]))
    }

    @Sendable private static func quote(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        guard case .string(let text) = value else { return nil }
        var quoted = String.UnicodeScalarView("\"".unicodeScalars)
        for scalar in try scalars(text, frame) {
            if escapes[scalar] != nil { quoted.append("\\") }
            quoted.append(escapes[scalar] ?? scalar)
        }
        quoted.append("\"")
        return .string(String(quoted))
    }

    private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
        "\u{07}": "a", "\u{08}": "b", "\u{0C}": "f", "\n": "n", "\r": "r", "\t": "t", "\u{0B}": "v", "\\": "\\",
        "\"": "\"",
    ]
}
