import Testing

@testable import RuleTests

@Suite struct UpdateTests {
    private func update(_ folder: TestFolder) async throws -> String {
        var options = RuleTester.Options()
        options.updates = true
        _ = try await folder.run(options)
        let again = try await folder.run()
        #expect(again.verdict == .passed, "\(again.text)")
        return try folder.read("rules.test.yaml")
    }

    @Test func `only the expected deliveries of failing tests change, comments elsewhere stay`() async throws {
        let tests = """
              # first
              - name: hot # a comment
                event: {entity: Account, change: update, ids: [001000000000001AAA], changed: {Rating: Hot}}
                expect:
                  # why
                  matched: [hot-account]
                  deliveries:
                    - rule: hot-account
                      headers: {content-type: text/plain}
                      body: {id: "?"}
              # second
              - name: right already
                event: {entity: Account, change: update, ids: [001000000000001AAA], changed: {Rating: Cold}}
                expect: {deliveries: []} # untouched

            """
        let folder = try TestFolder.accounts(tests: tests)
        #expect(
            try await update(folder) == "sluice: 1\nsuite: accounts\ntests:\n" + """
                  # first
                  - name: hot # a comment
                    event: {entity: Account, change: update, ids: [001000000000001AAA], changed: {Rating: Hot}}
                    expect:
                      # why
                      matched: [hot-account]
                      deliveries:
                        - rule: hot-account
                          destination: hook
                          method: POST
                          url: https://hook.example.com/in
                          headers:
                            content-type: application/json
                          body:
                            id: 001000000000001AAA
                            rating: Hot
                  # second
                  - name: right already
                    event: {entity: Account, change: update, ids: [001000000000001AAA], changed: {Rating: Cold}}
                    expect: {deliveries: []} # untouched

                """)
    }

    @Test func `an expectation on one line becomes a block`() async throws {
        let folder = try TestFolder.accounts(
            tests: """
                  - name: hot
                    event: {entity: Account, change: update, ids: [001000000000001AAA], changed: {Rating: null}}
                    expect: {matched: [], deliveries: [{url: "a, } b"}]}

                """)
        #expect(try await update(folder).hasSuffix("    expect:\n      matched: []\n      deliveries: []\n"))
    }
}
