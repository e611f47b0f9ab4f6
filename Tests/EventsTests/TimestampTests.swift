import Testing

@testable import Events

@Suite struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (1_771_300_995_000, "2026-02-17T04:03:15Z"), (1, "1970-01-01T00:00:00.001Z"),
        (120, "1970-01-01T00:00:00.12Z"), (-1, "1969-12-31T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ])
    func `instants as RFC 3339`(milliseconds: Int64, text: String) {
        #expect(Timestamp.rfc3339(milliseconds) == text)
    }

    @Test(arguments: [
        (0, "1970-01-01"), (86_399_999, "1970-01-01"), (-1, "1969-12-31"), (1_709_164_800_000, "2024-02-29"),
        (4_107_542_400_000, "2100-03-01"),
    ])
    func `days in UTC`(milliseconds: Int64, text: String) {
        #expect(Timestamp.dateOnly(milliseconds) == text)
    }

    @Test(arguments: [(0, "00:00:00.000"), (45_296_789, "12:34:56.789"), (86_399_999, "23:59:59.999")])
    func `times of day`(milliseconds: Int64, text: String) {
        #expect(Timestamp.timeOnly(milliseconds) == text)
    }

    @Test(arguments: [Int64.min, .max, .min + 1, -62_167_219_200_001])
    func `any number gives some text`(milliseconds: Int64) {
        #expect(Timestamp.rfc3339(milliseconds).hasSuffix("Z"))
        #expect(!Timestamp.dateOnly(milliseconds).isEmpty)
        #expect(Timestamp.timeOnly(milliseconds).count == 12)
    }
}
