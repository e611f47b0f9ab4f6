import Documents

extension Key {
    /// - Parameter kinds: the kinds of destination it is for.
    init(
        _ name: String, _ type: ValueType, default defaultText: String? = nil, kinds: [Destination.Kind],
        support: Support = .full, _ doc: String
    ) {
        self.init(name, type, default: defaultText, kinds: kinds.map(\.rawValue), support: support, doc)
    }
}
