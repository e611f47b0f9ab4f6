/// Just enough of an Avro encoder to write events by hand.
struct AvroBytes {
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

    mutating func double(_ number: Double) {
        withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += Array($0) }
    }
}

/// A change event of an object with one field of each interesting kind.
struct SampleChange {
    var recordIds = ["001000000000001AAA"]
    /// Number of the symbol.
    var changeType: Int64 = 1
    var nulled: [String] = []
    var diff: [String] = []
    var changed: [String] = []
    var name: String?
    var text: String?
    /// Street, city; nil is null.
    var address: [String?]?
    var due: Int64?
    var start: Int64?
    var shift: Int64?

    /// 0 header, 1 Name, 2 Text__c, 3 Address__c (0 Street, 1 City), 4 Due__c, 5 Start__c, 6 Shift__c.
    static let schema = #"""
        {"type":"record","name":"Sample__ChangeEvent","namespace":"com.sforce.eventbus","fields":[
        {"name":"ChangeEventHeader","type":{"type":"record","name":"ChangeEventHeader","fields":[
        {"name":"entityName","type":"string"},{"name":"recordIds","type":{"type":"array","items":"string"}},
        {"name":"changeType","type":{"type":"enum","name":"ChangeType","namespace":"","symbols":["CREATE","UPDATE","DELETE",
        "UNDELETE","GAP_CREATE","GAP_UPDATE","GAP_DELETE","GAP_UNDELETE","GAP_OVERFLOW","SNAPSHOT"]}},
        {"name":"changeOrigin","type":"string"},{"name":"transactionKey","type":"string"},
        {"name":"sequenceNumber","type":"int"},{"name":"commitTimestamp","type":"long"},
        {"name":"commitNumber","type":"long"},{"name":"commitUser","type":"string"},
        {"name":"nulledFields","type":{"type":"array","items":"string"}},
        {"name":"diffFields","type":{"type":"array","items":"string"}},
        {"name":"changedFields","type":{"type":"array","items":"string"}}]},"doc":"Data:ComplexValueType"},
        {"name":"Name","type":["null","string"],"doc":"Data:Text","default":null},
        {"name":"Text__c","type":["null","string"],"doc":"Data:StringPlusClob:00N000000000001","default":null},
        {"name":"Address__c","type":["null",{"type":"record","name":"Address","fields":[
        {"name":"Street","type":["null","string"],"default":null},{"name":"City","type":["null","string"],"default":null}
        ]}],"doc":"Data:Address","default":null},
        {"name":"Due__c","type":["null","long"],"doc":"Data:DateOnly:00N000000000002","default":null},
        {"name":"Start__c","type":["null","long"],"doc":"Data:DateTime:00N000000000003","default":null},
        {"name":"Shift__c","type":["null","long"],"doc":"Data:TimeOnly:00N000000000004","default":null}]}
        """#

    var payload: [UInt8] {
        var writer = AvroBytes()
        writer.string("Sample__c")
        writer.strings(recordIds)
        writer.long(changeType)
        writer.string("com/salesforce/api/rest/66.0;client=x")
        writer.string("k1")
        writer.long(1)
        writer.long(1_700_000_000_000)
        writer.long(12_279_648_331_300)
        writer.string("005000000000001AAA")
        writer.strings(nulled)
        writer.strings(diff)
        writer.strings(changed)
        optional(name, &writer) { $0.string($1) }
        optional(text, &writer) { $0.string($1) }
        optional(address, &writer) { writer, parts in
            for part in parts { optional(part, &writer) { $0.string($1) } }
        }
        for number in [due, start, shift] { optional(number, &writer) { $0.long($1) } }
        return writer.bytes
    }

    private func optional<T>(_ value: T?, _ writer: inout AvroBytes, _ write: (inout AvroBytes, T) -> Void) {
        writer.long(value == nil ? 0 : 1)
        if let value { write(&writer, value) }
    }
}
