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

    /// Some of the claims that were closed together, and what they become.
    package struct ClosedPart: Sendable {
        package var claims: [Delivery]
        package var batch: ClosedBatch
    }

    /// Renders what these claims are gathered into: one delivery, with `latest` one per record. What is too large for one
    /// request becomes several. Of one claim there is one part.
    ///
    /// - Parameters:
    ///   - claims: at least one; deliveries with the target `batch`, of one rule, index and key, in the order of the stream.
    ///   - now: epoch milliseconds; the time of closing.
    package func close(_ claims: [Delivery], now: Int64) -> [ClosedPart] {
        guard let gathering = gathering(claims.first, now) else { return [ClosedPart(claims: claims, batch: .noRule)] }
        guard gathering.claim.isLatest else { return gathering.halved(claims) }
        return Self.records(claims).map { ClosedPart(claims: $0, batch: gathering.close($0)) }
    }

    /// Nil if no rule gathers such a claim.
    private func gathering(_ first: Delivery?, _ now: Int64) -> Gathering? {
        guard let first, case .batch(let claim) = first.target, let rule = rules.first(where: { $0.id == first.rule }),
            rule.deliveries.indices.contains(claim.deliveryIndex),
            let coalesce = rule.deliveries[claim.deliveryIndex].coalesce,
            (coalesce.mode == .latest) == claim.isLatest
        else { return nil }
        return Gathering(rule: rule, claim: claim, coalesce: coalesce, now: now)
    }

    /// By record, in the order in which they first came. Copies of an org have the same record IDs.
    private static func records(_ claims: [Delivery]) -> [[Delivery]] {
        struct Record: Hashable { var org, id: String }
        var places: [Record: Int] = [:]
        var groups: [[Delivery]] = []
        for delivery in claims {
            let record = Record(org: delivery.origin.orgID, id: delivery.origin.recordID)
            if let place = places[record] {
                groups[place].append(delivery)
            } else {
                places[record] = groups.count
                groups.append([delivery])
            }
        }
        return groups
    }
}

/// The rule that gathers, at the moment of closing.
private struct Gathering {
    let rule: Rule
    let claim: BatchClaim
    let coalesce: Coalesce
    let now: Int64

    func halved(_ claims: [Delivery]) -> [RuleSet.ClosedPart] {
        let batch = close(claims)
        guard case .failure(let failure) = batch, failure.isTooLarge, claims.count > 1 else {
            return [RuleSet.ClosedPart(claims: claims, batch: batch)]
        }
        let half = (claims.count + 1) / 2
        return halved(Array(claims[..<half])) + halved(Array(claims[half...]))
    }

    /// Renders the one delivery that all these claims are gathered into; with `latest`, all of one record.
    func close(_ claims: [Delivery]) -> RuleSet.ClosedBatch {
        let members = claims.compactMap { try? RecordedEvent(json: $0.body) }.map {
            BatchMember(event: $0.event, change: $0.change)
        }
        guard members.count == claims.count else { return .failure(unreadable(claims[0])) }
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

    /// A claim holds the event that it was made from, unless something else wrote it.
    private func unreadable(_ first: Delivery) -> RoutingFailure {
        RoutingFailure(
            id: first.id, rule: rule.id, deliveryIndex: claim.deliveryIndex, destination: first.destination,
            reason: "what was gathered is no event", location: rule.deliveries[claim.deliveryIndex].location,
            onError: .deadletter, origin: first.origin, lane: first.lane)
    }
}
