import Documents
import Events

/// Builds the requests of one rule for one event, or for one batch of events.
struct DeliveryRenderer {
    /// Of one rendered body.
    static let maximumBodyBytes = 1 << 20
    private static let usualBodyBytes = 512

    let rule: Rule
    /// Turned to this rule.
    let evaluation: Evaluation
    /// The events of a closed batch; nil for a delivery of one event.
    var batch: [BatchMember]?

    struct Request {
        var target: DeliveryTarget
        var body: [UInt8]
        var lane: String
    }

    var origin: DeliveryOrigin {
        let event = evaluation.event
        return DeliveryOrigin(
            orgID: event.org.id, topic: event.topic, replayID: event.replayID, entity: event.entity,
            change: evaluation.change, recordID: event.recordID, time: event.time, commit: event.commitPlace)
    }

    /// A delivery of one event, or the claim of an event on a batch.
    func delivery(at index: Int, to flow: FlowFacts? = nil) throws(RenderFailure) -> Delivery {
        let spec = rule.deliveries[index]
        evaluation.beginDelivery()
        evaluation.set(flow: flow)
        let id = DeliveryID.make(
            origin, rule: rule.id, deliveryIndex: index, flow: flow?.id, version: evaluation.event.version)
        let request = try isClaim(spec) ? claim(spec, index) : self.request(spec, id: id, flow: flow)
        return delivery(id: id, spec, request)
    }

    /// The delivery that a closed batch becomes.
    ///
    /// - Parameter id: made from the IDs of what was gathered.
    func batchDelivery(at index: Int, id: String) throws(RenderFailure) -> Delivery {
        let spec = rule.deliveries[index]
        evaluation.beginDelivery()
        return delivery(id: id, spec, try request(spec, id: id, flow: nil))
    }

    private func delivery(id: String, _ spec: DeliverySpec, _ request: Request) -> Delivery {
        Delivery(
            id: id, rule: rule.id, destination: spec.destination, lane: request.lane, target: request.target,
            body: request.body, origin: origin, retry: spec.retry)
    }

    func failure(at index: Int, _ failure: RenderFailure, flow: FlowFacts? = nil) -> RoutingFailure {
        let spec = rule.deliveries[index]
        let origin = origin
        return RoutingFailure(
            id: DeliveryID.make(
                origin, rule: rule.id, deliveryIndex: index, flow: flow?.id, version: evaluation.event.version),
            rule: rule.id, deliveryIndex: index, destination: spec.destination, reason: failure.reason,
            location: failure.location, onError: spec.retry.onError, origin: origin,
            lane: lane(ofFailed: spec, flow) ?? origin.recordID, isTooLarge: failure.isTooLarge)
    }

    private func lane(ofFailed spec: DeliverySpec, _ flow: FlowFacts?) -> String? {
        guard let lane = try? lane(spec) else { return nil }
        if case .listener(let name, _) = spec.target { return "\(name)/\(lane)" }
        guard case .flow(let flowSpec) = spec.target else { return lane }
        if case .fanOut = flowSpec.address, flow == nil { return lane }
        return (try? flowID(flowSpec, flow, spec)).map { Self.lane(of: $0, lane) } ?? lane
    }

    func deferred(at index: Int, _ reason: String) -> DeferredDelivery {
        let spec = rule.deliveries[index]
        let origin = origin
        return DeferredDelivery(
            id: DeliveryID.make(origin, rule: rule.id, deliveryIndex: index, flow: nil), rule: rule.id,
            destination: spec.destination, lane: lane(ofFailed: spec, nil) ?? origin.recordID, origin: origin,
            retry: spec.retry, reason: reason)
    }

    // MARK: Requests

    private func request(
        _ spec: DeliverySpec, id: String, flow: FlowFacts?
    ) throws(RenderFailure) -> Request {
        switch spec.target {
        case .webhook(let webhook): return try request(webhook, spec, id: id)
        case .flow(let flowSpec):
            var body = Array(#"{"data":"#.utf8)
            body += try json(flowSpec.data, spec)
            body.append(UInt8(ascii: "}"))
            let id = try flowID(flowSpec, flow, spec)
            return Request(target: .flow(id: id), body: body, lane: Self.lane(of: id, try lane(spec)))
        case .listener(let name, let body):
            return Request(target: .listener(name: name), body: try json(body, spec), lane: "\(name)/\(try lane(spec))")
        case .run(let run): return try self.run(run, spec)
        }
    }

    /// Flows do not wait for each other, nor do listeners. Of the flow's ID only the end: it is the only secret of its
    /// webhook, and lanes are logged.
    private static func lane(of flow: String, _ lane: String) -> String { "\(flow.suffix(6))/\(lane)" }

    private func lane(_ spec: DeliverySpec) throws(RenderFailure) -> String {
        if let lane = spec.lane { return try lane.render(evaluation) }
        if batch != nil, spec.coalesce?.mode == .batch { return rule.id }
        return evaluation.event.header == nil ? evaluation.event.topic : evaluation.event.recordID
    }

    private func request(
        _ webhook: WebhookSpec, _ spec: DeliverySpec, id: String
    ) throws(RenderFailure) -> Request {
        let path = try path(webhook.path, spec)
        var headers = try headers(webhook.headers, spec)
        let lane = try lane(spec)
        let body: [UInt8]
        switch webhook.content {
        case .json(let template): body = try json(template, spec)
        case .event(let event):
            let data = try json(event.data, spec)
            let attributes = try attributes(event, id: id, lane: lane)
            if event.isBinary {
                headers += attributes.headers
                body = data
            } else {
                headers.append(CloudEvent.structuredType)
                body = attributes.structured(data: data)
            }
        }
        return Request(
            target: .webhook(method: webhook.method, path: path, headers: headers), body: body, lane: lane)
    }

    private func json(_ template: Template, _ spec: DeliverySpec) throws(RenderFailure) -> [UInt8] {
        var json = CELJSON(reserving: Self.usualBodyBytes)
        guard try template.render(into: &json, evaluation) else {
            throw RenderFailure(reason: "the whole body is absent", location: spec.location)
        }
        guard json.text.bytes.count <= Self.maximumBodyBytes else {
            throw RenderFailure(
                reason: "the body has \(json.text.bytes.count) bytes, more than 1 MiB", location: spec.location,
                isTooLarge: true)
        }
        return json.text.bytes
    }

    private func flowID(
        _ flow: FlowSpec, _ found: FlowFacts?, _ spec: DeliverySpec
    ) throws(RenderFailure) -> String {
        switch flow.address {
        case .flow(let template): return try flowID(template, spec)
        case .fanOut:
            guard let found else { preconditionFailure("a fan-out renders for each of its flows") }
            return found.id
        }
    }

    private func flowID(_ template: TextTemplate, _ spec: DeliverySpec) throws(RenderFailure) -> String {
        let id = try template.render(evaluation)
        guard id.isHexID else {
            throw RenderFailure(reason: "the computed flow is not an id of 24 hex digits", location: spec.location)
        }
        return id
    }

    private func path(_ template: TextTemplate?, _ spec: DeliverySpec) throws(RenderFailure) -> String {
        guard let template else { return "" }
        var hasDots = false
        let path = try template.render(evaluation) { piece in
            hasDots = hasDots || piece == "." || piece == ".."
            return PercentEncoding.segment(piece)
        }
        guard !hasDots else {
            throw RenderFailure(reason: "a computed piece of the path is '.' or '..'", location: spec.location)
        }
        return path
    }

    private func headers(
        _ headers: [WebhookSpec.Header], _ spec: DeliverySpec
    ) throws(RenderFailure) -> [DeliveryTarget.Header] {
        var rendered: [DeliveryTarget.Header] = []
        for header in headers {
            guard let value = try header.value.renderOptional(evaluation) else { continue }
            guard HeaderText.isSafe(value) else {
                throw RenderFailure(
                    reason: "the header '\(header.name)' would hold control characters", location: spec.location)
            }
            rendered.append(DeliveryTarget.Header(name: header.name, value: value))
        }
        return rendered
    }

    /// Claims on the same flow and key share a lane, so that the sink can gather them in order.
    private func run(_ run: RunSpec, _ spec: DeliverySpec) throws(RenderFailure) -> Request {
        let flow = try flowID(run.flow, spec)
        let coalesce = spec.coalesce ?? Coalesce()
        // Without a window, a run covers the commit time.
        let from = try run.from?.time(in: evaluation) ?? evaluation.event.time
        let until = try run.until?.time(in: evaluation) ?? evaluation.event.time
        guard from <= until else {
            throw RenderFailure(reason: "the window ends before it starts", location: spec.location)
        }
        let request = FlowRunRequest(
            flow: flow, exports: run.exports, from: from, until: until,
            quietMilliseconds: coalesce.quietMilliseconds, maximumMilliseconds: coalesce.maximumMilliseconds,
            limit: coalesce.limit)
        return Request(target: .run(request), body: [], lane: "\(flow)/\(try key(coalesce))")
    }
}

// MARK: Batches

extension DeliveryRenderer {
    private func isClaim(_ spec: DeliverySpec) -> Bool {
        if case .run = spec.target { return false }
        return spec.coalesce != nil
    }

    /// The rule's ID, or for `latest` the record's, unless the rule says otherwise.
    private func key(_ coalesce: Coalesce) throws(RenderFailure) -> String {
        if let template = coalesce.key { return try template.render(evaluation) }
        return coalesce.mode == .latest ? evaluation.event.recordID : rule.id
    }

    private func claim(_ spec: DeliverySpec, _ index: Int) throws(RenderFailure) -> Request {
        guard let coalesce = spec.coalesce else { preconditionFailure("only gathered deliveries are claims") }
        // Live events and those of a replay are not mixed.
        let key = try key(coalesce) + (evaluation.event.replay.map { " of replay \($0)" } ?? "")
        let claim = BatchClaim(
            deliveryIndex: index, key: key, isLatest: coalesce.mode == .latest,
            quietMilliseconds: coalesce.quietMilliseconds, maximumMilliseconds: coalesce.maximumMilliseconds,
            limit: coalesce.limit,
            transactionKey: coalesce.byTransaction ? evaluation.event.header?.transactionKey : nil)
        let keepsRecord = coalesce.keepsRecords || coalesce.mode == .latest
        let recorded = RecordedEvent(evaluation.event, change: evaluation.change, keepsRecord: keepsRecord)
        return Request(target: .batch(claim), body: recorded.json, lane: "\(rule.id)/\(index)/\(key)")
    }
}

// MARK: CloudEvents

extension DeliveryRenderer {
    private func attributes(
        _ spec: CloudEventSpec, id: String, lane: String
    ) throws(RenderFailure) -> CloudEvent {
        let event = evaluation.event
        let isBatch = batch != nil && batch?.count != 1
        var extensions = try defaultExtensions(lane: lane, isBatch: isBatch)
        for given in spec.extensions {
            extensions.removeAll { $0.name == given.name }
            guard let value = try given.value.renderOptional(evaluation) else { continue }
            extensions.append((given.name, value))
        }
        var time = event.time
        if let batch { time = batch.map(\.event.time).max() ?? time }
        // A batch is named by what was gathered, which knows its replay already.
        let replay = batch == nil ? event.replay : nil
        return CloudEvent(
            id: replay.map { ReplayedDelivery.id(id, of: $0) } ?? id,
            source: try spec.source?.render(evaluation) ?? Self.source(event),
            type: try spec.type?.render(evaluation) ?? type(isBatch: isBatch),
            subject: try spec.subject?.render(evaluation) ?? (isBatch || event.recordID.isEmpty ? nil : event.recordID),
            time: Timestamp.rfc3339(time), extensions: extensions)
    }

    private static func source(_ event: Event) -> String {
        "/salesforce/\(event.org.id)/\(event.topic.drop { $0 == "/" })"
    }

    private func type(isBatch: Bool) -> String {
        let event = evaluation.event
        if isBatch { return "salesforce.batch.\(event.entity)" }
        return event.header == nil
            ? "salesforce.event.\(event.entity)" : "salesforce.change.\(event.entity).\(evaluation.change)"
    }

    private func defaultExtensions(
        lane: String, isBatch: Bool
    ) throws(RenderFailure) -> [(name: String, value: String)] {
        let event = evaluation.event
        var extensions = [("sfentity", event.entity)]
        if !isBatch, event.header != nil { extensions.append(("sfchange", evaluation.change)) }
        if !isBatch { extensions.append(("sfreplayid", event.replayID.description)) }
        extensions.append(("sfrule", rule.id))
        if let replay = event.replay { extensions.append((ReplayedDelivery.cloudEventsExtension, replay)) }
        if !lane.isEmpty { extensions.append(("partitionkey", lane)) }
        return extensions
    }
}
