import Events

/// The first place at which two requests differ, and what stands there.
package struct DeliveryDifference: Sendable, Equatable {
    /// Characters of a value that are shown.
    static let maximumValue = 120

    /// `destination`, `path`, `headers.X-Region`, `body.data.amount`, `body.lines[2]`
    package var path: String
    /// JSON, or plain words; `nothing` where there is none.
    package var old: String
    package var new: String
    /// Of values within the body: their kinds.
    private var shapes: [String]?

    init(path: String, old: String, new: String) {
        self.path = path
        self.old = Self.shortened(old)
        self.new = Self.shortened(new)
    }

    /// - Returns: nil if the same bytes go to the same place, in the same order.
    static func first(_ old: Delivery, _ new: Delivery) -> DeliveryDifference? {
        if old.destination != new.destination { return text("destination", old.destination, new.destination) }
        if let difference = target(old.target, new.target) { return difference }
        if case .batch = old.target {} else if let difference = body(old.body, new.body) { return difference }
        if old.lane != new.lane { return text("key", old.lane, new.lane) }
        return retry(old.retry, new.retry)
    }

    /// No more of the bodies than this.
    func limited(to display: BodyDisplay) -> DeliveryDifference {
        guard display != .full, let shapes else { return self }
        let isHidden = display == .none
        return DeliveryDifference(
            path: path, old: isHidden ? Self.unshown : shapes[0], new: isHidden ? Self.unshown : shapes[1])
    }

    private static let unshown = "(not shown)"

    // MARK: Where it goes

    private static func target(_ old: DeliveryTarget, _ new: DeliveryTarget) -> DeliveryDifference? {
        guard old != new else { return nil }
        switch (old, new) {
        case (.webhook(let oldMethod, let oldPath, let oldHeaders), .webhook(let method, let path, let headers)):
            if oldMethod != method { return text("method", oldMethod, method) }
            if oldPath != path { return text("path", oldPath, path) }
            return self.headers(oldHeaders, headers)
        case (.flow(let old, _), .flow(let new, _)): return text("flow", old, new)
        case (.listener(let old), .listener(let new)): return text("listener", old, new)
        case (.run(let old), .run(let new)): return run(old, new)
        case (.batch(let old), .batch(let new)): return batch(old, new)
        default: return text("target", words(old), words(new))
        }
    }

    private static func headers(
        _ old: [DeliveryTarget.Header], _ new: [DeliveryTarget.Header]
    ) -> DeliveryDifference {
        func value(_ name: String, _ headers: [DeliveryTarget.Header]) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
        for header in old + new {
            let (before, after) = (value(header.name, old), value(header.name, new))
            if before != after {
                return DeliveryDifference(path: "headers.\(header.name)", old: quoted(before), new: quoted(after))
            }
        }
        return text("headers", old.map(\.name).joined(separator: ", "), new.map(\.name).joined(separator: ", "))
    }

    private static func run(_ old: FlowRunRequest, _ new: FlowRunRequest) -> DeliveryDifference? {
        if old.flow != new.flow { return text("flow", old.flow, new.flow) }
        if old.exports != new.exports {
            return text("exports", old.exports.joined(separator: ", "), new.exports.joined(separator: ", "))
        }
        for (path, old, new) in [("window.from", old.from, new.from), ("window.until", old.until, new.until)]
        where old != new { return text(path, Timestamp.rfc3339(old), Timestamp.rfc3339(new)) }
        return gathering(
            (old.quietMilliseconds, old.maximumMilliseconds, old.limit),
            (new.quietMilliseconds, new.maximumMilliseconds, new.limit))
    }

    private static func batch(_ old: BatchClaim, _ new: BatchClaim) -> DeliveryDifference? {
        if old.isLatest != new.isLatest {
            return text("coalesce.mode", old.isLatest ? "latest" : "batch", new.isLatest ? "latest" : "batch")
        }
        if old.key != new.key { return text("coalesce.key", old.key, new.key) }
        if (old.transactionKey == nil) != (new.transactionKey == nil) {
            return plain("coalesce.transaction", "\(old.transactionKey != nil)", "\(new.transactionKey != nil)")
        }
        return gathering(
            (old.quietMilliseconds, old.maximumMilliseconds, old.limit),
            (new.quietMilliseconds, new.maximumMilliseconds, new.limit))
    }

    private typealias Gathering = (quiet: Int64, maximum: Int64, limit: Int)

    private static func gathering(_ old: Gathering, _ new: Gathering) -> DeliveryDifference? {
        if old.quiet != new.quiet { return plain("coalesce.quiet", "\(old.quiet) ms", "\(new.quiet) ms") }
        if old.maximum != new.maximum { return plain("coalesce.max", "\(old.maximum) ms", "\(new.maximum) ms") }
        if old.limit != new.limit { return plain("coalesce.limit", "\(old.limit)", "\(new.limit)") }
        return nil
    }

    private static func words(_ target: DeliveryTarget) -> String {
        switch target {
        case .webhook: "a request"
        case .flow: "a flow"
        case .listener: "a listener"
        case .run: "a run of a flow"
        case .batch: "gathered with others"
        }
    }

    private static func retry(_ old: RetryLimits, _ new: RetryLimits) -> DeliveryDifference? {
        if old.onError != new.onError { return text("onError", old.onError.rawValue, new.onError.rawValue) }
        if old.horizonMilliseconds != new.horizonMilliseconds {
            return plain("retry.for", "\(old.horizonMilliseconds) ms", "\(new.horizonMilliseconds) ms")
        }
        guard old.maximumAttempts != new.maximumAttempts else { return nil }
        return plain(
            "retry.max", old.maximumAttempts.map(String.init) ?? "nothing",
            new.maximumAttempts.map(String.init) ?? "nothing")
    }

    // MARK: What it says

    private static func body(_ old: [UInt8], _ new: [UInt8]) -> DeliveryDifference? {
        guard old != new else { return nil }
        if let before = try? JSONReader.parse(old), let after = try? JSONReader.parse(new),
            let difference = value(before, after, path: "body")
        {
            return difference
        }
        // The same values in another order, or no JSON.
        var difference = DeliveryDifference(
            path: "body", old: String(decoding: old, as: UTF8.self), new: String(decoding: new, as: UTF8.self))
        difference.shapes = [old, new].map { BodyDisplay.redacted.text($0) ?? "" }
        return difference
    }

    /// Recursion is bounded by the reader's depth.
    private static func value(_ old: Value?, _ new: Value?, path: String) -> DeliveryDifference? {
        switch (old, new) {
        case (.record(let old)?, .record(let new)?):
            for field in old.fields {
                if let found = value(field.value, new[field.name], path: "\(path).\(field.name)") { return found }
            }
            for field in new.fields where old[field.name] == nil {
                return value(nil, field.value, path: "\(path).\(field.name)")
            }
            return nil
        case (.list(let old)?, .list(let new)?):
            for index in 0..<max(old.count, new.count) {
                let (before, after) = (index < old.count ? old[index] : nil, index < new.count ? new[index] : nil)
                if let found = value(before, after, path: "\(path)[\(index)]") { return found }
            }
            return nil
        default:
            guard old != new else { return nil }
            var difference = DeliveryDifference(path: path, old: json(old), new: json(new))
            difference.shapes = [old, new].map { json($0.map(BodyDisplay.shape)) }
            return difference
        }
    }

    private static func json(_ value: Value?) -> String {
        guard let value else { return "nothing" }
        var json = JSONText()
        json.value(value)
        return json.string
    }

    private static func quoted(_ text: String?) -> String { json(text.map(Value.string)) }

    private static func text(_ path: String, _ old: String, _ new: String) -> DeliveryDifference {
        DeliveryDifference(path: path, old: quoted(old), new: quoted(new))
    }

    private static func plain(_ path: String, _ old: String, _ new: String) -> DeliveryDifference {
        DeliveryDifference(path: path, old: old, new: new)
    }

    private static func shortened(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard scalars.count > maximumValue else { return text }
        return String(String.UnicodeScalarView(scalars.prefix(maximumValue - 3))) + "..."
    }
}
