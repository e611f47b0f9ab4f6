import Events
import Testing

@testable import Emulator

@Suite struct EpochTextTests {
    @Test(arguments: [0, 951_782_400_000, 1_709_164_800_000, 1_795_305_600_000, 4_107_542_400_000] as [Int64])
    func `reads back what Timestamp writes`(milliseconds: Int64) {
        #expect(EpochText.milliseconds(Timestamp.rfc3339(milliseconds)) == milliseconds)
        #expect(EpochText.milliseconds(Timestamp.dateOnly(milliseconds)) == milliseconds - milliseconds % 86_400_000)
    }

    @Test func `a fraction has three digits`() {
        #expect(EpochText.milliseconds("1970-01-01T00:00:01.250Z") == 1250)
        #expect(EpochText.milliseconds("1970-01-01T00:00:01.2Z") == nil)
    }

    @Test(arguments: [
        "", "2026", "2026-13-01", "2025-02-29", "2026-1-1", "2026-01-01T25:00:00Z", "2026-01-01T00:00:00",
    ])
    func `anything else is refused`(text: String) { #expect(EpochText.milliseconds(text) == nil) }
}
