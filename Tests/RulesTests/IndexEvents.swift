import Avro
import ChangeEvents
import Events

/// A small generator that gives the same numbers for the same seed.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &self) < share }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements.randomElement(using: &self)! }
}

/// Random change events of the object `Thing`, as Avro payloads, through the real decoder.
struct IndexEvents {
    static let texts = ["a", "ab", "abc", "abcd", "Closed Won", "Closed", "é", "1", ""]
    static let doubles = [-1, 0, 1, 2, 2.5, 3, 10, 9_007_199_254_740_992, -0.0, .infinity, .nan]
    static let longs: [Int64] = [-1, 0, 1, 2, 3, 10, 9_007_199_254_740_992, 9_007_199_254_740_993]
    static let users = ["005000000000001AAA", "005000000000002AAA"]

    /// Slot 0 is the header.
    enum Field: Int, CaseIterable { case text = 1, other, double, long, flag, address, day, time }

    static let names = ["Text__c", "Other__c", "Double__c", "Long__c", "Flag__c", "Address__c", "Day__c", "Time__c"]

    let schema: EventSchema
    private let decoder = EventDecoder(
        org: Org(id: "00D000000000001EAA", alias: "prod", instanceURL: "", isSandbox: false))

    init() throws {
        let schema = try Schema(json: Array(Self.json.utf8)[...])
        self.schema = try EventSchema(schema, id: schema.fingerprint)
    }

    func event(_ numbers: inout SeededNumbers) throws -> Event {
        // By symbol: create, update, delete, undelete, the four gaps, overflow.
        let type = numbers.pick([0, 0, 1, 1, 1, 1, 1, 2, 3, 4, 5, 5, 6, 7, 8])
        let body = Body(type: type, &numbers)
        let topic = numbers.pick(["/data/ThingChangeEvent", "/data/ChangeEvents"])
        let event = ConsumerEvent(
            id: "e", schemaID: schema.id, replayID: ReplayID([1])!, payload: body.payload(type, &numbers))
        return try decoder.decode(event, schema: schema, topic: topic, receivedAt: 1_795_316_430_000)[0]
    }

    /// What of the record the payload holds, and which bits name it.
    private struct Body {
        var isSet: [Bool] = []
        var changed: UInt = 0
        var nulled: UInt = 0
        var diff: UInt = 0
        var nulledParts: UInt = 0
        var changedParts: UInt = 0

        init(type: Int, _ numbers: inout SeededNumbers) {
            for field in Field.allCases {
                let bit: UInt = 1 << UInt(field.rawValue)
                let isUpdate = type == 1
                let isSet = numbers.chance(isUpdate ? 0.4 : type == 2 ? 0.2 : 0.7)
                self.isSet.append(isSet)
                guard isUpdate else { continue }
                if isSet {
                    if numbers.chance(0.8) { changed |= bit }
                    if field == .text, numbers.chance(0.1) { diff |= bit }
                    if field == .address { changedParts = numbers.chance(0.5) ? .random(in: 1...3, using: &numbers) : 0 }
                } else if numbers.chance(0.2) {
                    nulled |= bit
                    if numbers.chance(0.5) { changed |= bit }
                } else if numbers.chance(0.1) {
                    changed |= bit
                }
                if field == .address, numbers.chance(0.2) { nulledParts = .random(in: 1...3, using: &numbers) }
            }
        }

        func payload(_ type: Int, _ numbers: inout SeededNumbers) -> [UInt8] {
            var bytes = IndexBytes()
            bytes.string("Thing")
            bytes.strings([type == 8 ? "000000000000000AAA" : "a00000000000001AAA"])
            bytes.long(Int64(type))
            bytes.string("")
            bytes.string("t")
            bytes.long(1)
            bytes.long(1_795_316_430_000)
            bytes.long(7)
            bytes.string(numbers.pick(IndexEvents.users))
            bytes.strings(bitmaps(nulled, parts: nulledParts))
            bytes.strings(bitmaps(diff, parts: 0))
            bytes.strings(bitmaps(changed, parts: changedParts))
            for (field, isSet) in zip(Field.allCases, isSet) {
                // A gap tells nothing.
                bytes.long(isSet && type < 4 ? 1 : 0)
                if isSet, type < 4 { value(of: field, &bytes, &numbers) }
            }
            return bytes.bytes
        }

        private func bitmaps(_ bits: UInt, parts: UInt) -> [String] {
            (bits == 0 ? [] : ["0x" + String(bits, radix: 16, uppercase: true)])
                + (parts == 0 ? [] : ["\(Field.address.rawValue)-0x" + String(parts, radix: 16, uppercase: true)])
        }

        private func value(of field: Field, _ bytes: inout IndexBytes, _ numbers: inout SeededNumbers) {
            switch field {
            case .text, .other: bytes.string(numbers.pick(IndexEvents.texts))
            case .double: bytes.double(numbers.pick(IndexEvents.doubles))
            case .long: bytes.long(numbers.pick(IndexEvents.longs))
            case .flag: bytes.bytes.append(numbers.chance(0.5) ? 1 : 0)
            case .address:
                for _ in 0..<2 {
                    let isSet = numbers.chance(0.6)
                    bytes.long(isSet ? 1 : 0)
                    if isSet { bytes.string(numbers.pick(IndexEvents.texts)) }
                }
            case .day, .time: bytes.long(1_795_316_430_000)
            }
        }
    }

    private static let header = #"""
        {"type":"record","name":"ChangeEventHeader","fields":[
        {"name":"entityName","type":"string"},{"name":"recordIds","type":{"type":"array","items":"string"}},
        {"name":"changeType","type":{"type":"enum","name":"ChangeType","symbols":["CREATE","UPDATE","DELETE",
        "UNDELETE","GAP_CREATE","GAP_UPDATE","GAP_DELETE","GAP_UNDELETE","GAP_OVERFLOW","SNAPSHOT"]}},
        {"name":"changeOrigin","type":"string"},{"name":"transactionKey","type":"string"},
        {"name":"sequenceNumber","type":"int"},{"name":"commitTimestamp","type":"long"},
        {"name":"commitNumber","type":"long"},{"name":"commitUser","type":"string"},
        {"name":"nulledFields","type":{"type":"array","items":"string"}},
        {"name":"diffFields","type":{"type":"array","items":"string"}},
        {"name":"changedFields","type":{"type":"array","items":"string"}}]}
        """#

    private static let json = #"""
        {"type":"record","name":"ThingChangeEvent","fields":[{"name":"ChangeEventHeader","type":\#(header)},
        {"name":"Text__c","type":["null","string"],"default":null},
        {"name":"Other__c","type":["null","string"],"default":null},
        {"name":"Double__c","type":["null","double"],"default":null},
        {"name":"Long__c","type":["null","long"],"default":null},
        {"name":"Flag__c","type":["null","boolean"],"default":null},
        {"name":"Address__c","type":["null",{"type":"record","name":"Address","fields":[
        {"name":"City","type":["null","string"]},{"name":"Zip","type":["null","string"]}]}],"default":null},
        {"name":"Day__c","type":["null","long"],"doc":"Data:DateOnly","default":null},
        {"name":"Time__c","type":["null","long"],"doc":"Data:DateTime","default":null}]}
        """#
}

/// Just enough Avro to write these events.
struct IndexBytes {
    var bytes: [UInt8] = []

    mutating func long(_ value: Int64) {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func string(_ text: String) {
        long(Int64(text.utf8.count))
        bytes += Array(text.utf8)
    }

    mutating func strings(_ texts: [String]) {
        if !texts.isEmpty {
            long(Int64(texts.count))
            for text in texts { string(text) }
        }
        long(0)
    }

    mutating func double(_ number: Double) { withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += Array($0) } }
}
