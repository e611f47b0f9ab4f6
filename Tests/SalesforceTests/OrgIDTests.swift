import Testing

@testable import Salesforce

@Suite struct OrgIDTests {
    @Test func `15 characters become the 18-character form`() {
        #expect(OrgID("00D000000000001")?.description == "00D000000000001EAA")
        #expect(OrgID("00DA0000000Vm9r")?.description == OrgID("00DA0000000Vm9rMAC")?.description)
    }

    @Test(arguments: ["", "001000000000001", "00D00000000000", "00D0000000000-1", "00D000000000001EA"])
    func `anything else is refused`(text: String) {
        #expect(OrgID(text) == nil)
    }

    @Test func `the identity URL of a token response names the org`() {
        let url = "https://login.salesforce.com/id/00D000000000001EAA/005000000000001AAA"
        #expect(OrgID(identityURL: url)?.description == "00D000000000001EAA")
        #expect(OrgID(identityURL: "nonsense") == nil)
    }
}
