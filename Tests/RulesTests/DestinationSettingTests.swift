import Testing

@testable import Rules

@Suite struct DestinationSettingTests {
    private func set(_ text: String, to value: String = "topLevel", of name: String = "celigo")
        -> String
    {
        let sources = [
            RuleSource(path: "a.yaml", bytes: Array("sluice: 1\nrules: []\n".utf8)),
            RuleSource(path: "b.yaml", bytes: Array(text.utf8)),
        ]
        return switch DestinationSetting.set("runBody", to: value, of: name, in: sources) {
        case .changed(let source): source.path + "\n" + String(decoding: source.bytes, as: UTF8.self)
        case .same(let path): "same \(path)"
        case .notFound: "not found"
        }
    }

    @Test func `a line is added to a block, and comments stay`() {
        let text = """
            sluice: 1
            destinations:
              # the ERP
              celigo:
                kind: integrator  # EU
                baseUrl: https://api.eu.integrator.io
            rules: []

            """
        #expect(
            set(text) == """
                b.yaml
                sluice: 1
                destinations:
                  # the ERP
                  celigo:
                    runBody: topLevel
                    kind: integrator  # EU
                    baseUrl: https://api.eu.integrator.io
                rules: []

                """)
    }

    @Test func `a map in braces gets another key`() {
        #expect(
            set(
                "destinations: {celigo: {kind: integrator, baseUrl: 'https://x.example'}}\nrules: []\nsluice: 1\n"
            )
                == "b.yaml\ndestinations: {celigo: {runBody: topLevel, kind: integrator, baseUrl: 'https://x.example'}}\n"
                + "rules: []\nsluice: 1\n")
    }

    @Test(arguments: ["nested", "'nested'", "\"nested\""])
    func `a setting that is there is replaced where it stands`(_ old: String) {
        let text =
            "sluice: 1\ndestinations:\n  celigo:\n    kind: integrator\n    runBody: \(old) # proven\n"
            + "    baseUrl: https://x.example\nrules: []\n"
        #expect(set(text) == "b.yaml\n" + text.replacing("nested", with: "topLevel"))
        #expect(set(text, to: "nested") == "same b.yaml")
    }

    @Test func `what is not there is not made up`() {
        #expect(
            set(
                "sluice: 1\ndestinations:\n  hook: {kind: webhook, url: 'https://x.example'}\nrules: []\n")
                == "not found")
        #expect(set("sluice: 1\ndestinations: []\nrules: []\n") == "not found")
    }
}
