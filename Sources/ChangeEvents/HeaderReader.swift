import Avro
import Events

/// The three field lists of a header, as sets.
struct FieldLists: Sendable {
    var nulled = BitmapFields()
    var diff = BitmapFields()
    var changed = BitmapFields()
}

extension HeaderLayout {
    /// Reads the header at which `reader` stands.
    func read(
        _ reader: inout PayloadReader, fields: FieldTable, into header: inout ChangeEventHeader,
        _ lists: inout FieldLists
    ) throws(DecodeFailure) {
        for member in members {
            switch member.part {
            case .entityName: header.entityName = try reader.string()
            case .recordIds: header.recordIds = try reader.strings()
            case .changeType: header.changeType = changeType(try reader.enumIndex())
            case .changeOrigin: header.changeOrigin = try reader.string()
            case .transactionKey: header.transactionKey = try reader.string()
            case .sequenceNumber: header.sequenceNumber = try reader.long()
            case .commitTimestamp: header.commitTimestamp = try reader.long()
            case .commitNumber: header.commitNumber = try reader.long()
            case .commitUser: header.commitUser = try reader.string()
            case .nulledFields: lists.nulled = try reader.bitmap(fields)
            case .diffFields: lists.diff = try reader.bitmap(fields)
            case .changedFields: lists.changed = try reader.bitmap(fields)
            case nil: try reader.skip(member.type)
            }
        }
        header.nulledFields = lists.nulled.names(in: fields)
        header.diffFields = lists.diff.names(in: fields)
        header.changedFields = lists.changed.names(in: fields)
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
    /// To be filled.
    static var empty: ChangeEventHeader {
        ChangeEventHeader(
            entityName: "", recordIds: [], changeType: .unknown(""), changeOrigin: "", transactionKey: "",
            sequenceNumber: 0, commitTimestamp: 0, commitNumber: 0, commitUser: "", nulledFields: [], diffFields: [],
            changedFields: [])
    }
}
