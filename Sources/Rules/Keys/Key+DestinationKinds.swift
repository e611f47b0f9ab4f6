import Documents

extension Key {
    /// - Parameter kinds: the kinds of destination it is for.
    init(
        _ name: String, _ type: ValueType, default defaultText: String? = nil, kinds: [Destination.Kind],
        _ doc: String
    ) {
        self.init(name, type, default: defaultText, kinds: kinds.map(\.rawValue), doc)
    }
}
