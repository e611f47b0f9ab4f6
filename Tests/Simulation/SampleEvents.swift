import Avro
import Events

/// One event of the simulated org, and what has to become of it.
struct Happening {
    var event: ConsumerEvent
    /// When it was published, on the machine's clock.
    var at: Int64
    /// Epoch milliseconds, by Salesforce's clock.
    var commitTime: Int64
    /// Has to end in the quarantine.
    var isUndecodable = false
    /// By rule and record, in the order of the rules.
    var wanted: [Wanted] = []
}

/// One delivery that must arrive, or be parked with a reason.
struct Wanted: Hashable {
    var rule: String
    /// `t0-17`; part of every body.
    var event: String
    var record: String

    /// As bodies carry it.
    var key: String { "\(rule) \(event) \(record)" }
    /// In order, one at a time.
    var lane: String { "\(rule) \(record)" }
}

/// Change events of one object, encoded here and not by the product.
struct SampleEvents {
    enum Change: Int64, CaseIterable {
        case create, update, delete, undelete, gapCreate, gapUpdate, gapDelete, gapUndelete, gapOverflow
    }

    /// Its first version, and another one with a field more.
    static let schemas = [schema(""), schema(#",{"name":"Extra__c","type":["null","string"],"doc":"Data:Text","default":null}"#)]
    static let ids = schemas.map { try! Schema(json: $0).fingerprint }

    private static func schema(_ extra: String) -> String {
        #"""
        {"type":"record","name":"Sample__ChangeEvent","namespace":"com.sforce.eventbus","fields":[
        {"name":"ChangeEventHeader","type":{"type":"record","name":"ChangeEventHeader","fields":[
        {"name":"entityName","type":"string"},{"name":"recordIds","type":{"type":"array","items":"string"}},
        {"name":"changeType","type":{"type":"enum","name":"ChangeType","namespace":"","symbols":["CREATE","UPDATE",
        "DELETE","UNDELETE","GAP_CREATE","GAP_UPDATE","GAP_DELETE","GAP_UNDELETE","GAP_OVERFLOW","SNAPSHOT"]}},
        {"name":"changeOrigin","type":"string"},{"name":"transactionKey","type":"string"},
        {"name":"sequenceNumber","type":"int"},{"name":"commitTimestamp","type":"long"},
        {"name":"commitNumber","type":"long"},{"name":"commitUser","type":"string"},
        {"name":"nulledFields","type":{"type":"array","items":"string"}},
        {"name":"diffFields","type":{"type":"array","items":"string"}},
        {"name":"changedFields","type":{"type":"array","items":"string"}}]},"doc":"Data:ComplexValueType"},
        {"name":"Number__c","type":["null","double"],"doc":"Data:Double:00N000000000001","default":null}
        """# + extra + "]}"
    }

    var bytes: [UInt8] = []

    /// - Parameters:
    ///   - number: nil is not told.
    ///   - version: of the schema.
    static func payload(
        _ change: Change, of entity: String = "Sample__c", records: [String], number: Double?, transaction: String,
        commitTime: Int64, version: Int, client: String = ""
    ) -> [UInt8] {
        var writer = SampleEvents()
        writer.string(entity)
        writer.long(Int64(records.count))
        for record in records { writer.string(record) }
        writer.long(0)
        writer.long(change.rawValue)
        writer.string("com/salesforce/api/rest/66.0" + (client.isEmpty ? "" : ";\(client)"))
        writer.string(transaction)
        writer.long(1)
        writer.long(commitTime)
        writer.long(commitTime / 10)
        writer.string("005000000000001AAA")
        writer.bytes += [0, 0]
        if number != nil, change == .update {
            writer.long(1)
            writer.string("0x02")
        }
        writer.long(0)
        writer.long(number == nil ? 0 : 1)
        if let number { withUnsafeBytes(of: number.bitPattern.littleEndian) { writer.bytes += Array($0) } }
        if version > 0 {
            writer.long(1)
            writer.string("extra")
        }
        return writer.bytes
    }

    private mutating func string(_ text: String) {
        long(Int64(text.utf8.count))
        bytes += Array(text.utf8)
    }

    private mutating func long(_ value: Int64) {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
