import CEL
import Events

extension CELValue {
    init(_ value: Value) {
        self =
            switch value {
            case .null: .null
            case .bool(let flag): .bool(flag)
            case .int(let number): .int(number)
            case .double(let number): .double(number)
            case .string(let text): .string(text)
            case .bytes(let bytes): .bytes(bytes)
            case .timestamp(let milliseconds): CELValue(milliseconds: milliseconds)
            case .list(let values): .list(values.map { CELValue($0) })
            case .record(let fields): .object(CompoundObject(fields))
            }
    }

    /// A point in time; years beyond CEL's range become its ends.
    init(milliseconds: Int64) {
        let time =
            CELTimestamp(milliseconds: milliseconds)
            ?? CELTimestamp(seconds: milliseconds < 0 ? -62_135_596_800 : 253_402_300_799)
        self = .timestamp(time!)
    }

    static func strings(_ texts: [String]) -> CELValue { .list(texts.map { .string($0) }) }

    /// The members of a map or host object, in order; nil for anything else.
    ///
    /// - Throws: what computing a member ended in.
    func members() throws(CELError) -> [(name: String, value: CELValue)]? {
        switch self {
        case .map(let map):
            var members: [(name: String, value: CELValue)] = []
            for (key, value) in zip(map.keys, map.values) {
                guard case .string(let name) = key else { return nil }
                members.append((name, value))
            }
            return members
        case .object(let object): return try object.presentMembers()
        default: return nil
        }
    }
}

extension CELTimestamp {
    /// Nil outside of the years 1 to 9999.
    init?(milliseconds: Int64) {
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        self.init(seconds: seconds, nanoseconds: rest * 1_000_000)
    }

    /// Epoch milliseconds, finer digits cut off towards the past.
    var milliseconds: Int64 { seconds * 1000 + Int64(nanoseconds) / 1_000_000 }
}
