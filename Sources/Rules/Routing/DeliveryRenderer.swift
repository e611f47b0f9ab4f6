import Documents
import Events

/// Builds the requests of one rule for one event.
struct DeliveryRenderer {
    /// Of one rendered body.
    static let maximumBodyBytes = 1 << 20

    let rule: Rule
    let context: EvaluationContext

    func delivery(at index: Int) throws(RenderFailure) -> Delivery {
        let spec = rule.deliveries[index]
        let origin = origin
        let built = try target(spec)
        return Delivery(
            id: DeliveryID.make(origin, rule: rule.id, deliveryIndex: index), rule: rule.id,
            destination: spec.destination, lane: built.lane, target: built.target, body: built.body, origin: origin,
            retry: spec.retry)
    }

    func failure(at index: Int, _ reason: String, _ location: SourceLocation) -> RoutingFailure {
        let spec = rule.deliveries[index]
        let origin = origin
        return RoutingFailure(
            id: DeliveryID.make(origin, rule: rule.id, deliveryIndex: index), rule: rule.id, deliveryIndex: index,
            destination: spec.destination, reason: reason, location: location, onError: spec.retry.onError,
            origin: origin)
    }

    private var origin: DeliveryOrigin {
        let event = context.event
        return DeliveryOrigin(
            orgID: event.org.id, topic: event.topic, replayID: event.replayID, entity: event.entity,
            change: context.change, recordID: event.recordID, time: event.time)
    }

    private func lane(_ spec: DeliverySpec) throws(RenderFailure) -> String {
        if let lane = spec.lane { return try lane.render(context) }
        return context.event.header == nil ? context.event.topic : context.event.recordID
    }

    private struct Built {
        var target: DeliveryTarget
        var body: [UInt8]
        var lane: String
    }

    private func target(_ spec: DeliverySpec) throws(RenderFailure) -> Built {
        switch spec.target {
        case .webhook(let method, let path, let headers, let body):
            let target = DeliveryTarget.webhook(
                method: method, path: try self.path(path, spec), headers: try self.headers(headers, spec))
            return Built(target: target, body: try json(body, spec), lane: try lane(spec))
        case .flow(let id, let data):
            var body = Array(#"{"data":"#.utf8)
            body += try json(data, spec)
            body.append(UInt8(ascii: "}"))
            return Built(target: .flow(id: try flowID(id, spec)), body: body, lane: try lane(spec))
        case .listener(let name, let body):
            return Built(target: .listener(name: name), body: try json(body, spec), lane: try lane(spec))
        case .run(let run): return try self.run(run, spec)
        }
    }

    private func json(_ template: Template, _ spec: DeliverySpec) throws(RenderFailure) -> [UInt8] {
        var json = JSONText()
        guard try template.render(into: &json, context) else {
            throw RenderFailure(reason: "the whole body is absent", location: spec.location)
        }
        guard json.bytes.count <= Self.maximumBodyBytes else {
            throw RenderFailure(
                reason: "the body has \(json.bytes.count) bytes, more than 1 MiB", location: spec.location)
        }
        return json.bytes
    }

    private func flowID(_ template: TextTemplate, _ spec: DeliverySpec) throws(RenderFailure) -> String {
        let id = try template.render(context)
        guard id.isHexID else {
            throw RenderFailure(reason: "the computed flow is not an id of 24 hex digits", location: spec.location)
        }
        return id
    }

    private func path(_ template: TextTemplate?, _ spec: DeliverySpec) throws(RenderFailure) -> String {
        guard let template else { return "" }
        var hasDots = false
        let path = try template.render(context) { piece in
            hasDots = hasDots || piece == "." || piece == ".."
            return PercentEncoding.segment(piece)
        }
        guard !hasDots else {
            throw RenderFailure(reason: "a computed piece of the path is '.' or '..'", location: spec.location)
        }
        return path
    }

    private func headers(
        _ headers: [DeliverySpec.Header], _ spec: DeliverySpec
    ) throws(RenderFailure) -> [DeliveryTarget.Header] {
        var rendered: [DeliveryTarget.Header] = []
        for header in headers {
            guard let value = try header.value.renderOptional(context) else { continue }
            guard HeaderText.isSafe(value) else {
                throw RenderFailure(
                    reason: "the header '\(header.name)' would hold control characters", location: spec.location)
            }
            rendered.append(DeliveryTarget.Header(name: header.name, value: value))
        }
        return rendered
    }

    /// Claims on the same flow and key share a lane, so that the sink can gather them in order.
    private func run(_ run: RunSpec, _ spec: DeliverySpec) throws(RenderFailure) -> Built {
        let flow = try flowID(run.flow, spec)
        let from = try time(run.from)
        let until = try time(run.until)
        guard from <= until else {
            throw RenderFailure(reason: "the window ends before it starts", location: spec.location)
        }
        var key = rule.id
        if let template = run.key { key = try template.render(context) }
        let request = FlowRunRequest(
            flow: flow, exports: run.exports, from: from, until: until, quietMilliseconds: run.quietMilliseconds,
            maximumMilliseconds: run.maximumMilliseconds, limit: run.limit)
        return Built(target: .run(request), body: [], lane: "\(flow)/\(key)")
    }

    /// Without a window, a run covers the commit time.
    private func time(_ expression: TimeExpression?) throws(RenderFailure) -> Int64 {
        guard let expression else { return context.event.time }
        return try expression.time(in: context)
    }
}
