import Avro
import ChangeEvents
import Documents
import Events
import FoundationEssentials
import Rules

/// A `*.test.yaml` → `TestSuite`, or findings at the places that are wrong.
struct SuiteReader {
    /// As findings name the file.
    let path: String
    /// Where fixtures and schemas are looked for.
    let folder: String
    let findings: FindingList

    private typealias Problem = FieldTyping.Problem

    static let defaultOrg = Org(
        id: "00D000000000001EAA", alias: "test", instanceURL: "https://test.my.salesforce.com", isSandbox: false)
    /// When neither the file nor the event says.
    static let defaultNow: Int64 = 1_767_225_600_000

    /// - Returns: nil if there is an error among the findings.
    func read(_ bytes: [UInt8]) -> TestSuite? {
        let before = FindingList()
        let file = CheckedYAML(path: path, bytes: bytes, table: TestKeys.file, findings: before)
        guard let root = file.root, !before.hasErrors else {
            before.copy(to: findings, path: path, bytes: bytes)
            return nil
        }
        do throws(Problem) {
            return try suite(root, bytes)
        } catch {
            findings.report(.badValue, at: error.node, error.message, hint: error.hint)
            return nil
        }
    }

    private func suite(_ root: YAMLNode, _ bytes: [UInt8]) throws(Problem) -> TestSuite {
        let given = root["given"]
        var typing = FieldTyping()
        for node in given?["schema"]?.elements ?? [] { typing.add(try schema(node)) }
        var tests: [TestCase] = []
        for node in root["tests"]?.elements ?? [] { tests.append(try test(node, given, typing)) }
        var secrets: [String: String] = [:]
        for entry in given?["secrets"]?.entries ?? [] { secrets[entry.key] = entry.value.scalar?.text }
        let file = path.split(separator: "/").last.map(String.init) ?? path
        return TestSuite(
            path: path, name: root.text("suite") ?? file, ruleFiles: root["rules"]?.elements ?? [], secrets: secrets,
            tests: tests, text: String(decoding: bytes, as: UTF8.self))
    }

    // MARK: One test

    private func test(_ node: YAMLNode, _ given: YAMLNode?, _ typing: FieldTyping) throws(Problem) -> TestCase {
        guard let name = node["name"], let expect = node["expect"] else {
            preconditionFailure("both are required keys")
        }
        var start = try EventMaker.time(node, "now")
        if start == nil, let given { start = try EventMaker.time(given, "now") }
        let org = Self.org(given?["org"])
        let (steps, begin) = try self.steps(node, start, org, typing)
        let common = try records(given?["records"])
        let own = try records(node["records"])
        let script = try answers(node["answers"])
        guard !expect.entries.isEmpty else {
            throw Problem(
                node: expect, message: "'expect' expects nothing, so that this test passes whatever the rules do",
                hint: "write matched, outcomes, deliveries, shadows or failures; matched: [] is no rule")
        }
        return TestCase(
            name: name.scalar?.text ?? "", location: name.source.location(name.position), start: begin, steps: steps,
            records: common.merging(own) { $1 },
            flows: Self.flows(given?["flows"]).merging(Self.flows(node["flows"])) { $1 },
            answers: script, expectation: expect,
            expectationLocation: expect.source.location(node.entry("expect")?.keyPosition ?? expect.position),
            isSequence: node["events"] != nil, typing: typing)
    }

    private func steps(
        _ node: YAMLNode, _ start: Int64?, _ org: Org, _ typing: FieldTyping
    ) throws(Problem) -> ([TestCase.Step], start: Int64) {
        if let events = node.entry("events"), node["event"] != nil {
            throw Problem(node: events.value, message: "'event' and 'events' cannot both be given")
        }
        let single = node["event"].map { [$0] }
        guard let list = single ?? node["events"]?.elements, let first = list.first else {
            throw Problem(node: node, message: "a test needs 'event' or 'events'")
        }
        var told = try EventMaker.time(first, "time")
        if let fixture = first["fixture"] { told = try self.fixture(fixture, first).time }
        let begin = start ?? told ?? Self.defaultNow
        var maker = EventMaker(org: org, typing: typing)
        var steps: [TestCase.Step] = []
        for node in list {
            let at = DeliveryText.offset(node, "at", start: begin) ?? 0
            if let entry = node["at"], DeliveryText.offset(node, "at", start: begin) == nil || at < 0 {
                throw Problem(
                    node: entry, message: "'at' is how long after the start it comes", hint: "write 30s or 5m")
            }
            let events: [Event]
            if let fixture = node["fixture"] {
                events = [try self.fixture(fixture, node)]
            } else {
                events = try maker.events(node, now: begin + at)
            }
            steps.append(TestCase.Step(at: at, events: events))
        }
        for later in steps.indices.dropFirst() where steps[later].at < steps[later - 1].at {
            throw Problem(node: list[later], message: "events are written in the order of their times")
        }
        return (steps, begin)
    }

    private static func org(_ node: YAMLNode?) -> Org {
        var org = defaultOrg
        guard let node else { return org }
        org.id = node.text("id") ?? org.id
        org.alias = node.text("alias") ?? org.alias
        org.isSandbox = node.bool("sandbox")
        return org
    }

    private static func flows(_ node: YAMLNode?) -> [String: [FlowFacts]] {
        var flows: [String: [FlowFacts]] = [:]
        for entry in node?.entries ?? [] {
            flows[entry.key] = entry.value.elements.map { flow in
                let parameters = flow["inputParameters"].map { node in
                    Fields(node.entries.map { Fields.Field(name: $0.key, value: .string($0.value.scalar?.text ?? "")) })
                }
                return FlowFacts(
                    id: flow.text("id") ?? "", name: flow.text("name") ?? "", isActive: flow.text("active") != "false",
                    inputParameters: parameters)
            }
        }
        return flows
    }

    private func records(_ node: YAMLNode?) throws(Problem) -> [String: YAMLNode] {
        guard let node, !node.isNull else { return [:] }
        guard node.isMap else { throw Problem(node: node, message: "'records' is a map of ids") }
        var records: [String: YAMLNode] = [:]
        for entry in node.entries {
            guard entry.value.isMap || entry.value.isNull else {
                throw Problem(
                    node: entry.value, message: "a record is a map of its fields", hint: "null means that it is gone")
            }
            records[entry.key] = entry.value
        }
        return records
    }

    private func answers(_ node: YAMLNode?) throws(Problem) -> [String: AnswerScript] {
        var scripts: [String: AnswerScript] = [:]
        for entry in node?.entries ?? [] {
            var answers: [AnswerScript.Answer] = []
            for element in entry.value.elements { answers.append(try answer(element)) }
            scripts[entry.key] = AnswerScript(answers: answers, repeats: !entry.value.isList)
        }
        return scripts
    }

    private func answer(_ node: YAMLNode) throws(Problem) -> AnswerScript.Answer {
        if node.isMap {
            let headers = node["headers"]?.entries.map { (name: $0.key, value: $0.value.scalar?.text ?? "") } ?? []
            return .response(status: node.integer("status") ?? 200, headers: headers, body: node.text("body") ?? "")
        }
        switch node.scalar?.text ?? "" {
        case "timeout": return .timeout
        case "refused": return .refused
        case let text:
            guard let status = Int(text), (100...599).contains(status) else {
                throw Problem(
                    node: node, message: "'\(text.shortened)' is no answer",
                    hint: "write a status such as 503, or timeout, or refused")
            }
            return .response(status: status, headers: [], body: "")
        }
    }

    // MARK: Files

    private func schema(_ node: YAMLNode) throws(Problem) -> EventSchema {
        let name = node.scalar?.text ?? ""
        let json = String(decoding: try file(name, node), as: UTF8.self)
        do {
            let schema = try Schema(json: json)
            return try EventSchema(schema, id: schema.fingerprint)
        } catch {
            throw Problem(node: node, message: "'\(name.shortened)' is not an event's Avro schema: \(error)")
        }
    }

    private func fixture(_ node: YAMLNode, _ step: YAMLNode) throws(Problem) -> Event {
        if let other = step.entries.first(where: { !["fixture", "at"].contains($0.key) }) {
            throw Problem(
                node: other.value, message: "'fixture' and '\(other.key)' cannot both be given",
                hint: "the recorded event says everything")
        }
        let name = node.scalar?.text ?? ""
        do {
            return try RecordedEvent(json: try file(name, node)).event
        } catch let error as RecordedEventError {
            throw Problem(node: node, message: "'\(name.shortened)' is \(error)")
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(node: node, message: "\(error)")
        }
    }

    private func file(_ name: String, _ node: YAMLNode) throws(Problem) -> [UInt8] {
        let path = name.hasPrefix("/") || folder.isEmpty ? name : "\(folder)/\(name)"
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw Problem(node: node, message: "cannot read \(path)", hint: "paths are relative to the test file")
        }
        return Array(data)
    }
}

extension FindingList {
    /// Reads the file once more for another list: what a list holds can only be told by reporting it.
    fileprivate func copy(to other: FindingList, path: String, bytes: [UInt8]) {
        _ = CheckedYAML(path: path, bytes: bytes, table: TestKeys.file, findings: other)
    }
}
