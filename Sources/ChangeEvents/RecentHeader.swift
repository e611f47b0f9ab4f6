import Avro
import Events
import Synchronization

/// What the headers of consecutive events mostly have in common. The same text is then shared instead of made again.
struct RecentHeader: Sendable {
    var entityName = ""
    var changeOrigin = ""
    var transactionKey = ""
    var commitUser = ""
    private var changed = BitmapFields()
    private var changedNames: [String] = []
    /// The table by which `changed` became `changedNames`.
    private var fields: FieldTable?

    mutating func names(_ set: BitmapFields, in fields: FieldTable) -> [String] {
        if fields !== self.fields || set != changed {
            changedNames = set.names(in: fields)
            changed = set
            self.fields = fields
        }
        return changedNames
    }
}

extension PayloadReader {
    /// - Parameter recent: returned if it is what stands here, else replaced by that.
    mutating func string(_ recent: inout String) throws(DecodeFailure) -> String {
        let bytes = try utf8()
        let isSame = recent.utf8.withContiguousStorageIfAvailable { text in
            text.count == bytes.count && text.indices.allSatisfy { text[$0] == bytes[$0] }
        }
        if isSame != true { recent = String(decoding: bytes, as: UTF8.self) }
        return recent
    }
}

/// One `RecentHeader` for all who use a decoder. Nobody waits for it: who comes while another has it begins anew.
final class RecentHeaderSlot: Sendable {
    private let slot = Mutex(RecentHeader())

    /// Before a header is read, and again after it.
    func exchange(_ recent: inout RecentHeader) {
        _ = slot.withLockIfAvailable { swap(&$0, &recent) }
    }
}
