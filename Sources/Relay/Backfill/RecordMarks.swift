import Events
import Store

extension [Delivery] {
    /// One mark for each record and rule.
    ///
    /// - Parameter covers: commit times by record, epoch milliseconds.
    func marks(_ covers: [String: Int64]) -> [RecordMark] {
        var seen: Set<[String]> = []
        return compactMap { delivery in
            let record = delivery.origin.recordID
            guard let time = covers[record], seen.insert([record, delivery.rule]).inserted else { return nil }
            return RecordMark(recordID: record, rule: delivery.rule, covers: time)
        }
    }
}
