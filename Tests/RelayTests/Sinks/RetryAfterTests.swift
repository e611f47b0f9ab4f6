import Testing

@testable import Relay

@Suite struct RetryAfterTests {
    /// 1994-11-06T08:49:07Z
    static let now: Int64 = 784_111_747_000

    @Test(arguments: [
        ("0", 0), ("120", 120), (" 7\t", 7), ("86400", 86_400), ("86401", 86_400), ("99999999999999999999999", 86_400),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 30), ("Sunday, 06-Nov-94 08:49:37 GMT", 30),
        ("Sun Nov  6 08:49:37 1994", 30), ("Sun Nov 06 08:49:37 1994", 30), ("Sun, 06 Nov 1994 08:49:00 GMT", 0),
        ("Fri, 06 Nov 2093 08:49:37 GMT", 86_400),
    ])
    func `every form is read and bounded`(_ text: String, _ seconds: Int64) {
        #expect(RetryAfter.parse(text, now: Self.now) == .seconds(seconds))
    }

    @Test(
        arguments: [
            nil, "", "soon", "-1", "1.5", "+5", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 0849 GMT",
        ] as [String?])
    func `what is no Retry-After is ignored`(_ text: String?) {
        #expect(RetryAfter.parse(text, now: Self.now) == nil)
    }

    @Test func `two-digit years are those within 50 years`() {
        #expect(HTTPDate.seconds("Monday, 01-Jan-70 00:00:00 GMT", now: Self.now / 1000) == 0)
        #expect(HTTPDate.seconds("Friday, 01-Jan-44 00:00:00 GMT", now: Self.now / 1000)! > Self.now / 1000)
    }
}
