import Events

/// What `HoldScope.target` means for a delivery: one flow, or one listener; all of a webhook together.
enum HoldKey: Hashable, CustomStringConvertible {
    case webhook
    case flow(String)
    case listener(String)
    case run(String)
    case batch(String)

    /// `flow 64…`, `listener orders`.
    var description: String {
        switch self {
        case .webhook: "webhook"
        case .flow(let id): "flow \(id)"
        case .listener(let name): "listener \(name)"
        case .run(let flow): "run \(flow)"
        case .batch(let key): "batch \(key)"
        }
    }
}

extension DeliveryTarget {
    var holdKey: HoldKey {
        switch self {
        case .webhook: .webhook
        case .flow(let id): .flow(id)
        case .listener(let name): .listener(name)
        case .run(let request): .run(request.flow)
        case .batch(let claim): .batch(claim.key)
        }
    }
}
