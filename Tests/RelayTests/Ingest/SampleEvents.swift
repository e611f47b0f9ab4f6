import Avro
import Events

/// Events of one object, encoded by hand.
enum SampleEvents {
    static let schemaJSON = #"""
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
        {"name":"Name","type":["null","string"],"doc":"Data:Text","default":null}]}
        """#

    /// A schema, but not the one above.
    static let otherJSON = #"{"type":"record","name":"Other__e","fields":[{"name":"A","type":"long"}]}"#

    static func schemaID() throws -> String { try Schema(json: schemaJSON).fingerprint }

    static func update(_ number: Int, _ recordIds: [String], schemaID: String) -> ConsumerEvent {
        event(number, payload(recordIds, changeType: 1), schemaID)
    }

    static func gap(_ number: Int, _ recordId: String, schemaID: String) -> ConsumerEvent {
        event(number, payload([recordId], changeType: 5), schemaID)
    }

    /// Of a change type that the schema does not name.
    static func unknownChange(_ number: Int, _ recordId: String, schemaID: String) -> ConsumerEvent {
        event(number, payload([recordId], changeType: 12), schemaID)
    }

    static func event(_ number: Int, _ payload: [UInt8], _ schemaID: String) -> ConsumerEvent {
        ConsumerEvent(id: "e\(number)", schemaID: schemaID, replayID: Make.replayID(number), payload: payload)
    }

    static func recordID(_ number: Int) -> String { "00100000000\(1000 + number)AAA" }

    /// Committed in November 2023.
    static let commitTime: Int64 = 1_700_000_000_000

    private static func payload(_ recordIds: [String], changeType: Int64) -> [UInt8] {
        var bytes: [UInt8] = string("Sample__c") + long(Int64(recordIds.count))
        for id in recordIds { bytes += string(id) }
        bytes += [0] + long(changeType) + string("") + string("k1") + long(1) + long(commitTime) + long(7) + string("005")
        return bytes + [0, 0, 0] + long(1) + string("A name")
    }

    private static func string(_ text: String) -> [UInt8] { long(Int64(text.utf8.count)) + Array(text.utf8) }

    private static func long(_ value: Int64) -> [UInt8] {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
