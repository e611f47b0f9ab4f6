import Documents
import Events
import Rules

/// Holds what came of a test against what it expects.
struct TestJudge {
    let suite: String
    let test: TestCase
    let result: Rehearsal.Result
    /// Why a rule did what it did, in lines.
    let explain: (String) -> [String]
    private(set) var failures: [TestFailure] = []
    /// Requests came otherwise than expected.
    private(set) var deliveriesDiffer = false

    init(suite: String, test: TestCase, result: Rehearsal.Result, explain: @escaping (String) -> [String]) {
        self.suite = suite
        self.test = test
        self.result = result
        self.explain = explain
    }

    mutating func judge() {
        let expected = test.expectation
        if let node = expected["matched"] { judgeMatched(node) }
        if let node = expected["outcomes"] { judgeOutcomes(node) }
        if let node = expected["deliveries"] {
            let before = failures.count
            judge(node, result.deliveries, "delivery", "deliveries")
            deliveriesDiffer = failures.count > before
        }
        if let node = expected["shadows"] { judge(node, result.shadows, "shadow delivery", "shadow deliveries") }
        judgeFailures(expected["failures"])
    }

    private mutating func fail(_ message: String, at location: SourceLocation, _ details: [String] = []) {
        failures.append(
            TestFailure(suite: suite, test: test.name, location: location, message: message, details: details))
    }

    private func place(_ node: YAMLNode) -> SourceLocation { node.source.location(node.position) }

    // MARK: Rules

    private mutating func judgeMatched(_ node: YAMLNode) {
        let elements = node.isNull ? [] : node.elements
        let expected = elements.compactMap { $0.scalar?.text }
        for element in elements {
            guard let rule = element.scalar?.text, !result.matched.contains(rule) else { continue }
            fail("rule '\(rule)' did not match", at: place(element), explain(rule))
        }
        for rule in result.matched where !expected.contains(rule) {
            fail("rule '\(rule)' matched, and is not expected to", at: place(node))
        }
    }

    private mutating func judgeOutcomes(_ node: YAMLNode) {
        for entry in node.entries {
            guard let expected = entry.value.scalar?.text else { continue }
            let actual = result.outcomes[entry.key]?.kind.rawValue ?? "false"
            guard actual != expected else { continue }
            fail(
                "rule '\(entry.key)' is expected to be \(expected), and is \(actual)", at: place(entry.value),
                explain(entry.key))
        }
    }

    // MARK: Requests that could not be built

    private mutating func judgeFailures(_ node: YAMLNode?) {
        guard let node else {
            for failure in result.failures {
                fail(
                    "a request of rule '\(failure.rule)' could not be built", at: test.expectationLocation,
                    ["\(failure.description)"])
            }
            return
        }
        let elements = node.isNull ? [] : node.elements
        for (index, element) in elements.enumerated() {
            guard index < result.failures.count else {
                fail("failure \(index + 1) is expected and did not come", at: place(element))
                continue
            }
            let failure = result.failures[index]
            var comparison = Comparison()
            compare(element, "rule", failure.rule, &comparison)
            compare(element, "destination", failure.destination, &comparison)
            if let reason = element["reason"], let text = reason.scalar?.text, !failure.description.contains(text) {
                comparison.add(
                    "reason", 1, Comparison.words(reason), Comparison.words(.string(failure.description)), reason)
            }
            report(comparison, "failure \(index + 1)")
        }
        for failure in result.failures.dropFirst(elements.count) {
            fail("a request of rule '\(failure.rule)' could not be built", at: place(node), ["\(failure.description)"])
        }
    }

    // MARK: Deliveries

    private mutating func judge(_ node: YAMLNode, _ actual: [SentDelivery], _ one: String, _ many: String) {
        let elements = node.isNull ? [] : node.elements
        guard elements.count == actual.count else {
            let titles = actual.enumerated().map { "\($0 + 1): \(DeliveryText.line($1))" }
            return fail(
                "\(elements.count) \(many) expected, \(actual.count) came", at: place(node),
                titles + reasons(elements, actual))
        }
        for (index, element) in elements.enumerated() {
            var comparison = Comparison()
            compare(element, actual[index], &comparison)
            report(comparison, "\(one) \(index + 1) (\(actual[index].title)) is another one")
        }
    }

    /// Why rules whose deliveries are missing did not match.
    private func reasons(_ elements: [YAMLNode], _ actual: [SentDelivery]) -> [String] {
        var reasons: [String] = []
        var told: Set<String> = []
        for element in elements {
            guard let rule = element.text("rule"), !actual.contains(where: { $0.rule == rule }),
                told.insert(rule).inserted
            else { continue }
            reasons += explain(rule)
        }
        return reasons
    }

    private mutating func report(_ comparison: Comparison, _ title: String) {
        guard let shortest = comparison.shortest else { return }
        let others = comparison.differences.count - 1
        fail(
            title, at: shortest.location,
            [shortest.text] + (others > 0 ? ["and \(others) more \(others == 1 ? "difference" : "differences")"] : []))
    }

    private func compare(_ element: YAMLNode, _ key: String, _ actual: String?, _ comparison: inout Comparison) {
        guard let node = element[key], node.scalar?.text != actual else { return }
        comparison.add(
            key, 1, Comparison.words(.string(node.scalar?.text ?? "")),
            actual.map { Comparison.words(.string($0)) } ?? "nothing", node)
    }

    private func compare(_ element: YAMLNode, _ actual: SentDelivery, _ comparison: inout Comparison) {
        compare(element, "rule", actual.rule, &comparison)
        compare(element, "destination", actual.destination, &comparison)
        compare(element, "id", actual.id, &comparison)
        compare(element, "method", actual.request?.method, &comparison)
        compare(element, "url", actual.request?.url, &comparison)
        compareState(element, actual, &comparison)
        compareTimes(element, actual, &comparison)
        for header in element["headers"]?.entries ?? [] {
            let value = actual.request?.headers.first { $0.name.lowercased() == header.key.lowercased() }?.value
            guard header.value.scalar?.text != value else { continue }
            comparison.add(
                "headers.\(header.key)", 2, Comparison.words(.string(header.value.scalar?.text ?? "")),
                value.map { Comparison.words(.string($0)) } ?? "nothing", header.value)
        }
        if let attempts = element.integer("attempts"), attempts != actual.attempts, let node = element["attempts"] {
            comparison.add("attempts", 1, String(attempts), "\(actual.attempts); last: \(actual.reason)", node)
        }
        compareBody(element, actual, &comparison)
    }

    /// A delivery that waits for somebody was expected to be sent, unless the test says otherwise.
    private func compareState(_ element: YAMLNode, _ actual: SentDelivery, _ comparison: inout Comparison) {
        let isHeld = actual.state == .pending && actual.request == nil && !actual.reason.isEmpty
        guard let node = element["state"] ?? (isHeld ? element : nil) else { return }
        let expected = element["state"]?.scalar?.text ?? "a request"
        guard expected != actual.state.rawValue else { return }
        comparison.add(
            "state", 0, expected, actual.state.rawValue + (isHeld ? "; \(actual.reason)" : ""), node)
    }

    private func compareTimes(_ element: YAMLNode, _ actual: SentDelivery, _ comparison: inout Comparison) {
        if let node = element["at"], let text = node.scalar?.text {
            let expected = DeliveryText.offset(element, "at", start: test.start)
            if expected == nil || expected != actual.at {
                let came = actual.at.map { DeliveryText.at($0, start: test.start) } ?? "never"
                comparison.add("at", 1, text, came, node)
            }
        }
        guard let window = element["window"] else { return }
        for (key, time) in [("from", actual.window?.lowerBound), ("until", actual.window?.upperBound)] {
            guard let node = window[key], let text = node.scalar?.text else { continue }
            if Timestamp.milliseconds(rfc3339: text) != time || time == nil {
                comparison.add("window.\(key)", 2, text, time.map(Timestamp.rfc3339) ?? "nothing", node)
            }
        }
    }

    private func compareBody(_ element: YAMLNode, _ actual: SentDelivery, _ comparison: inout Comparison) {
        let bytes = actual.request?.body ?? []
        if let node = element["bodyText"], node.scalar?.text != String(decoding: bytes, as: UTF8.self) {
            comparison.add(
                "bodyText", 1, node.scalar?.text ?? "", String(decoding: bytes, as: UTF8.self), node)
        }
        guard element["body"] != nil || element["bodyContains"] != nil else { return }
        let value = bytes.isEmpty ? nil : try? JSONReader.parse(bytes)
        if let node = element["body"] { comparison.compare(node, value, path: "body") }
        if let node = element["bodyContains"] {
            var part = Comparison(isPart: true)
            part.compare(node, value, path: "body")
            comparison.append(part.differences)
        }
    }
}
