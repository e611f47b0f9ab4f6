/// The functions every environment has.
enum StandardLibrary {
    static let functions: [CELFunction] =
        basics + conversions + timeFunctions + stringFunctions + stringListFunctions + mathFunctions + bitFunctions
        + optionalFunctions + listFunctions + encoderFunctions

    static let anything: CELType = .parameter("A")

    private static let basics: [CELFunction] = [
        CELFunction(
            "size",
            [.string, .bytes, .list(anything), .map(anything, .parameter("B"))].flatMap { type in
                [CELOverload.global(type, returns: .int), CELOverload.receiver(type, returns: .int)]
            }, .unary(size)),
        CELFunction(
            "type", [.global(anything, returns: .type(anything))], .unary { value, _ in .type(value.typeName) }),
        CELFunction("dyn", [.global(anything, returns: .dyn)], .unary { value, _ in value }),
    ]

    @Sendable private static func size(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        switch value {
        case .string(let text):
            try frame.charge(items: text.utf8.count)
            return .int(Int64(text.unicodeScalars.count))
        case .bytes(let bytes): return .int(Int64(bytes.count))
        case .list(let elements): return .int(Int64(elements.count))
        case .map(let map): return .int(Int64(map.count))
        case .object(let object):
            let count = try object.presentMembers().count
            try frame.charge(items: count)
            return .int(Int64(count))
        default: return nil
        }
    }
}

/// What overflow and unreadable text end in.
func badArgument(_ message: String) -> CELError { CELError(.badArgument, message) }
