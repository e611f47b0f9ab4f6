import Events
import Testing

@testable import Rules

/// `fanOut` held against the flows that users have, and delivered to each by itself.
@Suite struct OwnedFlowsTests {
    private static func text(_ delivery: String) -> String {
        """
        sluice: 1
        destinations:
          flowmate: {kind: flowmate, baseUrl: "https://x.example", auth: {bearer: {env: T}}}
        rules:
          - id: to-owners
            description: d
            match: {entity: Account, change: [create, delete], ignore: {}}
            onGap: deliver
            to:
              destination: flowmate
              \(delivery)
              data: {id: "${recordId}", amount: "a lot", size: 3}

        """
    }

    private static func check(_ delivery: String, _ owned: [OwnedFlow]) -> [String] {
        let options = Lint.Options(schema: OrgSchema(ownedFlows: ["flowmate": owned]))
        let report = Lint.check([RuleSource(path: "r.yaml", bytes: Array(text(delivery).utf8))], options: options)
        return report.findings.filter { $0.code == .contract }.map { "\($0.severity): \($0.message)" }
    }

    private static let user = #"fanOut: {user: "${recordId}"}"#

    @Test func `what some user's flow would refuse is found`() {
        let fits = OwnedFlow(name: "fits", parameters: [FlowParameter("id", "string"), FlowParameter("size", "number")])
        let wants = [FlowParameter("id", "string"), FlowParameter("amount", "number"), FlowParameter("more", "string")]
        let found = Self.check(
            Self.user, [fits, OwnedFlow(name: "a", parameters: wants), OwnedFlow(name: "b", parameters: wants)])
        #expect(
            found == [
                "error: 'data' lacks 'more', which 2 users' flows like 'a' take",
                "error: input parameter 'amount' of 2 users' flows like 'a' is a number, this is a string",
            ])
        #expect(Self.check(Self.user, [fits]) == ["warning: the flow has no input parameter 'amount'"])
        #expect(Self.check(Self.user, []) == [])
    }

    @Test func `a condition on the flow may leave it out, so that it is a warning only`() {
        let wants = OwnedFlow(name: "a", parameters: [FlowParameter("id", "string"), FlowParameter("more", "string")])
        let found = Self.check(#"fanOut: {user: "${recordId}", where: "flow.name != 'a'"}"#, [wants])
        #expect(found.contains("warning: 'data' lacks 'more', which the user's flow 'a' takes"))
        #expect(!found.contains { $0.hasPrefix("error") })
    }

    @Test func `conform off is asked nothing`() {
        let wants = OwnedFlow(name: "a", parameters: [FlowParameter("more", "string")])
        #expect(Self.check(Self.user + "\n      conform: off", [wants]) == [])
    }
}
