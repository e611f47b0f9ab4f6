import Testing

@testable import Salesforce

@Suite struct HTTPDateTests {
    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (951_782_400_000, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_795_338_030_999, "Sun, 22 Nov 2026 09:00:30 GMT"), (253_402_300_799_000, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ])
    func `a date is written as headers have it, and read again`(milliseconds: Int64, text: String) {
        #expect(HTTPDate.text(milliseconds) == text)
        #expect(HTTPDate.milliseconds(text) == milliseconds / 1000 * 1000)
    }
}
