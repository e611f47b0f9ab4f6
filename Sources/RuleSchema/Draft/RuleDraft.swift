import Events
import Rules

/// A first rule file for an object or a platform event, with its test, made from one event: commented, clean, and
/// passing its own test.
package struct RuleDraft: Sendable {
    package struct File: Sendable {
        package var name: String
        package var text: String

        package init(name: String, text: String) {
            self.name = name
            self.text = text
        }
    }

    /// What a draft cannot be made of.
    package struct Problem: Error, CustomStringConvertible {
        package var description: String
    }

    let subject: DraftSubject
    let kind: Destination.Kind
    /// File names start with it.
    let stem: String

    /// - Parameters:
    ///   - sample: nil makes one up from what the schema says.
    ///   - entity: nil is that of the sample.
    ///   - stem: of the file names; nil is made from the entity.
    package init(
        entity: String?, sample: Event?, schema: OrgSchema?, kind: Destination.Kind, stem: String? = nil
    ) throws(Problem) {
        guard kind != .salesforce else {
            throw Problem(
                description: "deliveries into an org are not drafted; schemas/examples/24flow/write-back.yaml shows them")
        }
        guard let name = entity ?? sample?.entity else {
            throw Problem(
                description: "a rule is about an object or a platform event, and neither it nor a sample is given")
        }
        if let sample, sample.entity != name {
            throw Problem(description: "the sample is an event of \(sample.entity), not of \(name)")
        }
        let described = schema?.entities[name]
        if let schema, described == nil, !schema.entities.isEmpty {
            throw Problem(description: "the snapshot of the org has no '\(name)'")
        }
        let made = sample ?? MadeUpEvent.event(of: described ?? EntitySchema(name: name, fields: []))
        subject = DraftSubject(event: made, schema: described, isMadeUp: sample == nil)
        self.kind = kind
        self.stem = stem ?? subject.slug
    }

    /// The rule file, its test, and the sample that the test plays. In the order in which they are to be read.
    package func files() throws(Problem) -> [File] {
        let text = DraftRule(subject: subject, kind: kind).text
        let report = Lint.check([RuleSource(path: "\(stem).yaml", bytes: Array(text.utf8))])
        guard let rules = report.ruleSet, report.findings.isEmpty else {
            throw Problem(description: "the drafted rule would not be clean:\n\(report.text)")
        }
        let test = DraftTest(subject: subject, stem: stem, rules: rules)
        return [
            File(name: "\(stem).yaml", text: text), File(name: "\(stem).test.yaml", text: test.text),
            File(
                name: "\(stem).event.json",
                text: IndentedJSON.text(RecordedEvent(subject.event).value)),
        ]
    }
}
