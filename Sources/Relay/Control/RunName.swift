/// Replays and backfills are named by their IDs, or the beginnings of them.
enum RunName {
    /// - Parameters:
    ///   - kind: `replay`; what messages call it, and its command.
    ///   - prefix: what every ID begins with.
    static func find<Record>(
        _ name: String, in records: [Record], id: (Record) -> String, kind: String, prefix: String
    ) throws(ControlError) -> Record {
        // An unset variable must not mean the only one.
        guard !prefix.hasPrefix(name) else {
            throw ControlError(.badInput, "'\(name)' is the beginning of every \(kind)'s name. Say more of it.")
        }
        let found = records.filter { id($0).hasPrefix(name) }
        guard let record = found.first(where: { id($0) == name }) ?? found.first else {
            throw ControlError(.badInput, "there is no \(kind) '\(name)'. `sluice \(kind) list` shows them.")
        }
        guard found.count == 1 || id(record) == name else {
            throw ControlError(.badInput, "'\(name)' begins the names of \(found.count) \(kind)s.")
        }
        return record
    }
}
