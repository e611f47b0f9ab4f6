import Avro
import Events

/// A `ChangeEventHeader` as read from a payload, with the bitmaps as sets.
struct DecodedHeader: Sendable {
    var header = ChangeEventHeader.empty
    var nulled = BitmapFields()
    var diff = BitmapFields()
    var changed = BitmapFields()
}

extension HeaderLayout {
    /// Reads the header at which `reader` stands into `result`.
    func read(
        _ reader: inout PayloadReader, fields: FieldTable, into result: inout DecodedHeader
    ) throws(DecodeFailure) {
        for member in members {
            switch member.part {
            case .entityName: result.header.entityName = try reader.string()
            case .recordIds: result.header.recordIds = try reader.strings()
            case .changeType: result.header.changeType = changeType(try reader.enumIndex())
            case .changeOrigin: result.header.changeOrigin = try reader.string()
            case .transactionKey: result.header.transactionKey = try reader.string()
            case .sequenceNumber: result.header.sequenceNumber = try reader.long()
            case .commitTimestamp: result.header.commitTimestamp = try reader.long()
            case .commitNumber: result.header.commitNumber = try reader.long()
            case .commitUser: result.header.commitUser = try reader.string()
            case .nulledFields: result.nulled = try reader.bitmap(fields)
            case .diffFields: result.diff = try reader.bitmap(fields)
            case .changedFields: result.changed = try reader.bitmap(fields)
            case nil: try reader.skip(member.type)
            }
        }
        result.header.nulledFields = result.nulled.names(in: fields)
        result.header.diffFields = result.diff.names(in: fields)
        result.header.changedFields = result.changed.names(in: fields)
    }

    /// An unknown number becomes `.unknown` with that number as its text.
    private func changeType(_ number: Int) -> ChangeType {
        changeTypes.indices.contains(number) ? changeTypes[number] : .unknown(String(number))
    }
}

extension PayloadReader {
    fileprivate mutating func bitmap(_ fields: FieldTable) throws(DecodeFailure) -> BitmapFields {
        var set = BitmapFields()
        try eachString { set.insert(element: $0, in: fields) }
        return set
    }
}

extension ChangeEventHeader {
    fileprivate static var empty: ChangeEventHeader {
        ChangeEventHeader(
            entityName: "", recordIds: [], changeType: .unknown(""), changeOrigin: "", transactionKey: "",
            sequenceNumber: 0, commitTimestamp: 0, commitNumber: 0, commitUser: "", nulledFields: [], diffFields: [],
            changedFields: [])
    }
}
