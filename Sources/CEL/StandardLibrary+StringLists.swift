/// Text to lists, lists to text, and replacing.
extension StandardLibrary {
    static let stringListFunctions: [CELFunction] = [
        CELFunction(
            "join",
            [.receiver(.list(.string), returns: .string), .receiver(.list(.string), .string, returns: .string)],
            .general(join)),
        CELFunction(
            "split",
            [
                .receiver(.string, .string, returns: .list(.string)),
                .receiver(.string, .string, .int, returns: .list(.string)),
            ], .general(split)),
        CELFunction(
            "replace",
            [
                .receiver(.string, .string, .string, returns: .string),
                .receiver(.string, .string, .string, .int, returns: .string),
            ], .general(replace)),
    ]

    @Sendable private static func join(_ arguments: [CELValue], _ frame: CELFrame) throws(CELError) -> CELValue? {
        guard case .list(let elements) = arguments[0] else { return nil }
        var separator = ""
        if arguments.count > 1 {
            guard case .string(let given) = arguments[1] else { return nil }
            separator = given
        }
        var joined = ""
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element else { throw noOverload("'join'", [element], at: nil) }
            try frame.charge(items: separator.utf8.count + text.utf8.count + 1)
            if index > 0 { joined += separator }
            joined += text
        }
        return .string(joined)
    }

    @Sendable private static func split(_ arguments: [CELValue], _ frame: CELFrame) throws(CELError) -> CELValue? {
        guard case .string(let text) = arguments[0], case .string(let separator) = arguments[1] else { return nil }
        var limit = Int64(-1)
        if arguments.count > 2 {
            guard case .int(let given) = arguments[2] else { return nil }
            limit = given
        }
        guard limit != 0 else { return .list([]) }
        try frame.charge(search: separator.utf8.count, in: text.utf8.count)
        let pieces = pieces(
            of: try scalars(text, frame), around: try scalars(separator, frame), limit: limit < 0 ? .max : Int(limit))
        try frame.charge(items: pieces.count)
        return .list(pieces.map { .string(string($0)) })
    }

    /// At most `limit` pieces, the last one with the rest. An empty separator splits between scalars.
    private static func pieces(
        of text: [Unicode.Scalar], around separator: [Unicode.Scalar], limit: Int
    ) -> [ArraySlice<Unicode.Scalar>] {
        var pieces: [ArraySlice<Unicode.Scalar>] = []
        var start = 0
        while pieces.count < limit - 1 {
            if separator.isEmpty {
                guard start + 1 < text.count else { break }
                pieces.append(text[start..<start + 1])
                start += 1
            } else {
                guard let next = occurrence(of: separator, in: text, from: start) else { break }
                pieces.append(text[start..<next])
                start = next + separator.count
            }
        }
        return separator.isEmpty && text.isEmpty ? [] : pieces + [text[start...]]
    }

    @Sendable private static func replace(_ arguments: [CELValue], _ frame: CELFrame) throws(CELError) -> CELValue? {
        guard case .string(let text) = arguments[0], case .string(let old) = arguments[1],
            case .string(let new) = arguments[2]
        else { return nil }
        var limit = Int.max
        if arguments.count > 3 {
            guard case .int(let given) = arguments[3] else { return nil }
            limit = given < 0 ? .max : Int(given)
        }
        let source = try scalars(text, frame)
        let part = try scalars(old, frame)
        try frame.charge(search: part.count, in: source.count)
        let replacement = try scalars(new, frame)
        return .string(string(try replacing(part, in: source, by: replacement, limit: limit, frame)))
    }

    /// An empty part is found before every scalar and at the end.
    private static func replacing(
        _ part: [Unicode.Scalar], in source: [Unicode.Scalar], by replacement: [Unicode.Scalar], limit: Int,
        _ frame: CELFrame
    ) throws(CELError) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var start = 0
        var count = 0
        while count < limit, let next = occurrence(of: part, in: source, from: start) {
            try frame.charge(items: replacement.count + 1)
            result += source[start..<next] + replacement
            start = next + part.count
            count += 1
            guard part.isEmpty else { continue }
            guard start < source.count else { break }
            result.append(source[start])
            start += 1
        }
        return result + source[min(start, source.count)...]
    }
}
