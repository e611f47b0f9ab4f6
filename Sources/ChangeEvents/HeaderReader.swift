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
        _ lists: inout FieldLists, _ recent: inout RecentHeader
    ) throws(DecodeFailure) {
        for member in members {
            switch member.part {
            case .entityName: header.entityName = try reader.string(&recent.entityName)
            case .recordIds: header.recordIds = try reader.strings()
            case .changeType: header.changeType = changeType(try reader.enumIndex())
            case .changeOrigin: header.changeOrigin = try reader.string(&recent.changeOrigin)
            case .transactionKey: header.transactionKey = try reader.string(&recent.transactionKey)
            case .sequenceNumber: header.sequenceNumber = try reader.long()
            case .commitTimestamp: header.commitTimestamp = try reader.long()
            case .commitNumber: header.commitNumber = try reader.long()
            case .commitUser: header.commitUser = try reader.string(&recent.commitUser)
            case .nulledFields: lists.nulled = try reader.bitmap(fields)
            case .diffFields: lists.diff = try reader.bitmap(fields)
            case .changedFields: lists.changed = try reader.bitmap(fields)
            case nil: try reader.skip(member.type)
            }
        }
        header.nulledFields = lists.nulled.names(in: fields)
        header.diffFields = lists.diff.names(in: fields)
        header.changedFields = recent.names(lists.changed, in: fields)
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
