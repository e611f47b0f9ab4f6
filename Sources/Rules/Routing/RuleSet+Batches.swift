import Events

/// Closing of gathered deliveries.
extension RuleSet {
    /// What a closed batch becomes.
    package enum ClosedBatch: Sendable {
        case delivery(Delivery)
        case failure(RoutingFailure)
        /// No rule gathers such a delivery any more: it is kept until one does, or somebody drops it.
        case noRule
    }

    /// Renders the one delivery that all these claims are gathered into.
    ///
    /// - Parameters:
    ///   - claims: deliveries with the target `batch`, of one rule, index and key, in the order of the stream. With
    ///     `latest`, all of one record.
    ///   - now: epoch milliseconds; the time of closing.
    package func close(_ claims: [Delivery], now: Int64) -> ClosedBatch {
        guard let first = claims.first, case .batch(let claim) = first.target,
            let rule = rules.first(where: { $0.id == first.rule }),
            rule.deliveries.indices.contains(claim.deliveryIndex),
            let coalesce = rule.deliveries[claim.deliveryIndex].coalesce,
            (coalesce.mode == .latest) == claim.isLatest
        else { return .noRule }
        let members = claims.compactMap { try? RecordedEvent(json: $0.body) }.map {
            BatchMember(event: $0.event, change: $0.change)
        }
        guard members.count == claims.count else {
            preconditionFailure("a claim holds the event that it was made from")
        }
        let merged = claim.isLatest ? LatestMerge.merge(members) : members[members.count - 1]
        let evaluation = Evaluation(merged.event, now: now)
        let reading: FieldChanges.Reading =
            switch merged.change {
            case "update": .update
            case "create", "undelete": .full
            default: .nothing
            }
        evaluation.begin(rule, merged.event, EventRole(change: merged.change, reading: reading))
        evaluation.set(batch: BatchObject(members, withRecords: coalesce.keepsRecords))
        let renderer = DeliveryRenderer(rule: rule, evaluation: evaluation, batch: members)
        let made = DeliveryID.make(batchOf: claims.map(\.id), rule: rule.id, deliveryIndex: claim.deliveryIndex)
        // Claims of one key are of one replay, or of none.
        let id = merged.event.replay.map { ReplayedDelivery.id(made, of: $0) } ?? made
        do throws(RenderFailure) {
            return .delivery(try renderer.batchDelivery(at: claim.deliveryIndex, id: id))
        } catch {
            var failure = renderer.failure(at: claim.deliveryIndex, error)
            failure.id = id
            return .failure(failure)
        }
    }
}
