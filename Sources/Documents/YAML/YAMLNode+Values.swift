import Events

/// Reading what `KeyChecker` has already held against the key tables: nil is "not given, or already reported".
extension YAMLNode {
    package func text(_ key: String) -> String? { self[key]?.scalar?.text }

    /// One or a list of texts.
    package func texts(_ key: String) -> [String] {
        self[key]?.elements.compactMap { $0.scalar?.text } ?? []
    }

    package func milliseconds(_ key: String) -> Int64? { text(key).flatMap(DurationText.milliseconds) }

    package func bool(_ key: String) -> Bool { text(key) == "true" }

    package func integer(_ key: String) -> Int? {
        guard let text = text(key), case .int(let number) = CoreScalar(text) else { return nil }
        return Int(exactly: number)
    }

    package func secret(_ key: String) -> SecretReference? { self[key]?.secret }

    package var secret: SecretReference? {
        if let name = text("env") { return .env(name) }
        return text("file").map(SecretReference.file)
    }

    /// A scalar or a list of scalars by the core schema.
    package var constant: Value? {
        switch content {
        case .scalar(let scalar):
            guard scalar.style == .plain else { return .string(scalar.text) }
            switch CoreScalar(scalar.text) {
            case .null: return .null
            case .bool(let flag): return .bool(flag)
            case .int(let number): return .int(number)
            case .double(let number): return .double(number)
            case .text: return .string(scalar.text)
            case .unusableNumber: return nil
            }
        case .list(let elements): return .list(elements.compactMap { $0.scalar == nil ? nil : $0.constant })
        case .map, .broken: return nil
        }
    }
}
