import Avro
import ChangeEvents
import Events

/// The same numbers on every machine.
struct BenchNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &self) }
    mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &self) < share }
}

/// Change events of 50 objects with 41 fields each, encoded as Salesforce does.
struct RulesWorkload {
    static let seed: UInt64 = 20_261_122
    static let entityCount = 50
    static let fieldCount = 40
    static let ownerCount = 10_000

    static func entity(_ number: Int) -> String { "Object\(number)__c" }
    static func field(_ number: Int) -> String { "Field\(number)__c" }
    static func owner(_ number: Int) -> String { "0050000000" + padded(number) + "AAA" }
    static func option(_ number: Int) -> String { "Option \(number)" }
    static let prefixes = ["ORD-", "INV-", "QUO-", "SHP-"]

    static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 5 - digits.count) + digits
    }

    /// What a field holds: options of a list, numbers, texts and flags in turn.
    enum Kind: Int { case option, number, text, flag }

    static func kind(_ field: Int) -> Kind { Kind(rawValue: field % 4)! }

    /// An entity by its weight, one over its rank.
    static func randomEntity(_ numbers: inout BenchNumbers) -> Int {
        let total = (1...entityCount).reduce(0) { $0 + 1 / Double($1) }
        var rest = Double.random(in: 0..<total, using: &numbers)
        for rank in 1...entityCount {
            rest -= 1 / Double(rank)
            if rest < 0 { return rank - 1 }
        }
        return entityCount - 1
    }

    let schemas: [EventSchema]
    let decoder = EventDecoder(
        org: Org(id: "00D000000000001EAA", alias: "bench", instanceURL: "", isSandbox: false))

    init() throws {
        schemas = try (0..<Self.entityCount).map { number in
            let schema = try Schema(json: Array(Self.schema(number).utf8)[...])
            return try EventSchema(schema, id: schema.fingerprint)
        }
    }

    /// - Parameter oneEntity: all events are about the first one.
    func events(_ count: Int, oneEntity: Bool) -> [(event: ConsumerEvent, schema: EventSchema)] {
        var numbers = BenchNumbers(seed: Self.seed)
        return (0..<count).map { _ in
            let entity = oneEntity ? 0 : Self.randomEntity(&numbers)
            let event = ConsumerEvent(
                id: "bench", schemaID: schemas[entity].id, replayID: ReplayID([1])!,
                payload: Self.payload(entity, &numbers))
            return (event, schemas[entity])
        }
    }

    func decode(_ events: [(event: ConsumerEvent, schema: EventSchema)]) throws -> [Event] {
        try events.map { try decode($0.event, $0.schema) }
    }

    @inline(__always)
    func decode(_ event: ConsumerEvent, _ schema: EventSchema) throws -> Event {
        try decoder.decode(event, schema: schema, topic: "/data/ChangeEvents", receivedAt: 1_795_316_430_000)[0]
    }

    private static func payload(_ entity: Int, _ numbers: inout BenchNumbers) -> [UInt8] {
        // By symbol: create 20 %, update 70 %, delete 8 %, undelete 1 %, gap_update 1 %.
        let draw = numbers.below(100)
        let type = draw < 70 ? 1 : draw < 90 ? 0 : draw < 98 ? 2 : draw < 99 ? 3 : 5
        var present = [Bool](repeating: false, count: fieldCount)
        var changed: UInt64 = 0
        var nulled: UInt64 = 0
        switch type {
        case 1:
            for place in 0..<(2 + numbers.below(6)) {
                let field = numbers.below(fieldCount)
                let bit: UInt64 = 1 << UInt64(field + 2)
                changed |= bit
                if place == 0, numbers.chance(0.1) { nulled |= bit } else { present[field] = nulled & bit == 0 }
            }
        case 0, 3: for field in 0..<fieldCount { present[field] = numbers.chance(0.7) }
        default: break
        }
        var bytes = BenchBytes()
        bytes.header(entity, type, changed: changed, nulled: nulled, record: numbers.below(100_000))
        if type == 5 {
            bytes.bytes += [UInt8](repeating: 0, count: fieldCount + 1)
            return bytes.bytes
        }
        bytes.long(1)
        bytes.string(owner(numbers.below(ownerCount)))
        for field in 0..<fieldCount {
            bytes.long(present[field] ? 1 : 0)
            if present[field] { value(field, &bytes, &numbers) }
        }
        return bytes.bytes
    }

    private static func value(_ field: Int, _ bytes: inout BenchBytes, _ numbers: inout BenchNumbers) {
        switch kind(field) {
        case .option: bytes.string(option(numbers.below(10)))
        case .number: bytes.double(Double(numbers.below(10_000_000)) / 100)
        case .text: bytes.string(prefixes[numbers.below(4)] + padded(numbers.below(100_000)))
        case .flag: bytes.bytes.append(numbers.chance(0.5) ? 1 : 0)
        }
    }

    private static func schema(_ entity: Int) -> String {
        let types = ["string", "double", "string", "boolean"]
        let fields = (0..<fieldCount).map { number in
            #"{"name":"\#(field(number))","type":["null","\#(types[number % 4])"],"default":null}"#
        }
        return #"""
            {"type":"record","name":"\#(Self.entity(entity))ChangeEvent","fields":[
            {"name":"ChangeEventHeader","type":{"type":"record","name":"ChangeEventHeader","fields":[
            {"name":"entityName","type":"string"},{"name":"recordIds","type":{"type":"array","items":"string"}},
            {"name":"changeType","type":{"type":"enum","name":"ChangeType","symbols":["CREATE","UPDATE","DELETE",
            "UNDELETE","GAP_CREATE","GAP_UPDATE","GAP_DELETE","GAP_UNDELETE","GAP_OVERFLOW","SNAPSHOT"]}},
            {"name":"changeOrigin","type":"string"},{"name":"transactionKey","type":"string"},
            {"name":"sequenceNumber","type":"int"},{"name":"commitTimestamp","type":"long"},
            {"name":"commitNumber","type":"long"},{"name":"commitUser","type":"string"},
            {"name":"nulledFields","type":{"type":"array","items":"string"}},
            {"name":"diffFields","type":{"type":"array","items":"string"}},
            {"name":"changedFields","type":{"type":"array","items":"string"}}]}},
            {"name":"OwnerId","type":["null","string"],"default":null},\#(fields.joined(separator: ","))]}
            """#
    }
}

/// Just enough Avro to write the workload.
struct BenchBytes {
    var bytes: [UInt8] = []

    mutating func header(_ entity: Int, _ type: Int, changed: UInt64, nulled: UInt64, record: Int) {
        string(RulesWorkload.entity(entity))
        strings(["a000000000" + RulesWorkload.padded(record) + "AAA"])
        long(Int64(type))
        string("com/salesforce/api/soap/66.0;client=SfdcInternalAPI/")
        string("000f07d5-5a4b-3f47-0ee7-1f8a7a3d1a0c")
        long(1)
        long(1_795_316_430_000)
        long(1_000_000_000_000)
        string("005000000000001AAA")
        strings(bitmap(nulled))
        strings([])
        strings(bitmap(changed))
    }

    private func bitmap(_ bits: UInt64) -> [String] {
        bits == 0 ? [] : ["0x" + String(bits, radix: 16, uppercase: true)]
    }

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
