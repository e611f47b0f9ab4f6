import Events

/// What `HoldScope.target` means for a delivery: one flow, or one listener; all of a webhook together.
enum HoldKey: Hashable, CustomStringConvertible {
    case webhook
    case flow(String)
    case listener(String)
    case run(String)
    case batch(String)
    /// What has no request yet, whatever it is for, of one org: which of them can be read is decided there.
    case unrendered(org: String)

    /// `flow …9f3c`, `listener orders`. A FlowMate flow's ID is all that its webhook asks for, so it is not shown whole.
    var description: String {
        switch self {
        case .webhook: "webhook"
        case .flow(let id): "flow …\(id.suffix(4))"
        case .listener(let name): "listener \(name)"
        case .run(let flow): "run \(flow)"
        case .batch(let key): "batch \(key)"
        case .unrendered: "deliveries that wait for their record"
        }
    }
}

extension Delivery {
    var holdKey: HoldKey {
        guard unrenderedReason == nil else { return .unrendered(org: origin.orgID) }
        return switch target {
        case .webhook: .webhook
        case .flow(let id, _): .flow(id)
        case .listener(let name): .listener(name)
        case .run(let request): .run(request.flow)
        case .batch(let claim): .batch(claim.key)
        }
    }
}
