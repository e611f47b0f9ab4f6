import Settings
import Testing

@Suite struct ConsoleConfigurationTests {
    @Test func `monitoring is off unless an address is given`() {
        #expect(file("").configuration?.console.listen == nil)
        let file = file("console: {listen: \"127.0.0.1:9090\"}\n")
        #expect(file.findings.isEmpty)
        #expect(file.configuration?.console.listen == ConsoleConfiguration.Address(host: "127.0.0.1", port: 9090))
        #expect(self.file("console: {listen: \"[::1]:9090\"}\n").configuration?.console.listen?.host == "::1")
    }

    @Test(arguments: ["localhost", "[::1]", ":9090", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:http"])
    func `what is no host and port is refused`(_ text: String) throws {
        let file = file("console: {listen: \"\(text)\"}\n")
        #expect(file.configuration == nil)
        #expect(try #require(file.findings.first).text.contains("is not host:port"))
    }

    @Test func `an address that others can reach is a warning`() throws {
        let file = file("console: {listen: \"0.0.0.0:9090\"}\n")
        #expect(file.configuration?.console.listen?.host == "0.0.0.0")
        #expect(try #require(file.findings.first).text.contains("warning"))
    }

    private func file(_ text: String) -> ConfigurationFile {
        let base = """
            orgs:
              prod:
                loginUrl: https://acme.my.salesforce.com
                auth:
                  clientCredentials: {clientId: {env: A}, clientSecret: {env: B}}
                topics: [/data/ChangeEvents]

            """
        return ConfigurationFile(path: "sluice.yaml", bytes: Array((base + text).utf8))
    }
}
