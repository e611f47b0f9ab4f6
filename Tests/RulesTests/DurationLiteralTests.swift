import Testing

@testable import Rules

@Suite struct DurationLiteralTests {
    @Test(arguments: [
        ("5s", 5000 as Int64?), ("-5s", -5000), ("1h30m", 5_400_000), ("1.5s", 1500), ("250ms", 250), ("0s", 0),
        ("5", nil), ("", nil), ("5d", nil), ("0.1ms", nil), ("abc", nil), ("1e9s", nil),
    ])
    func `reads the duration literals of expressions`(text: String, milliseconds: Int64?) {
        #expect(DurationLiteral.milliseconds(text) == milliseconds)
    }
}
