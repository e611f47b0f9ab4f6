/// The places in a kind of file where a key belongs, for who wrote it somewhere else.
struct KeyPlace {
    /// Inside the map that the key was written in.
    let isBelow: Bool
    /// `'retry' belongs under 'to'`
    let hint: String
}

extension KeyTable {
    /// How deep maps lie in each other at most.
    private static let depth = 8
    /// More places than this tell nothing.
    private static let maximumPlaces = 2

    /// Where else in `file` the key belongs: below this table if there is such a place, or anywhere; nil if there is
    /// none, or too many.
    func keyPlace(of name: String, in file: KeyTable) -> KeyPlace? {
        let below = paths(to: name)
        let least = below.map(\.count).min()
        if let hint = Self.hint(name, below.filter { $0.count == least }) { return KeyPlace(isBelow: true, hint: hint) }
        return Self.hint(name, file.paths(to: name)).map { KeyPlace(isBelow: false, hint: $0) }
    }

    private static func hint(_ name: String, _ paths: [[String]]) -> String? {
        guard (1...maximumPlaces).contains(paths.count) else { return nil }
        guard paths != [[]] else { return "'\(name)' belongs at the top of the file" }
        let places = paths.map { $0.isEmpty ? "at the top of the file" : "under '\($0.joined(separator: "."))'" }
        return "'\(name)' belongs \(places.joined(separator: " or "))"
    }

    /// Of every table that has such a key, the keys that lead to it.
    private func paths(to name: String, depth: Int = depth) -> [[String]] {
        guard depth > 0 else { return [] }
        let own: [[String]] = key(name) == nil ? [] : [[]]
        return own + keys.flatMap { key in
            key.type.tables.flatMap { inner in
                inner.table.paths(to: name, depth: depth - 1).map { [key.name] + inner.path + $0 }
            }
        }
    }
}

extension ValueType {
    /// The maps with fixed keys that a value can be, and what leads to each.
    fileprivate var tables: [(path: [String], table: KeyTable)] {
        switch self {
        case .table(let table): [([], table)]
        case .list(let type, _), .oneOrMore(let type): type.tables
        case .map(_, let type): type.tables.map { (["NAME"] + $0.path, $0.table) }
        case .shapes(let types): types.flatMap(\.tables)
        default: []
        }
    }
}
