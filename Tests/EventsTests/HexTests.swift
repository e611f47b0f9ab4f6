import Testing

@testable import Events

@Suite struct HexTests {
    @Test func `reads both cases and writes the lower one`() {
        #expect(Hex.decode("00fFa5") == [0, 255, 0xA5])
        #expect(Hex.encode([0, 255, 0xA5]) == "00ffa5")
        #expect(Hex.decode("") == [])
    }

    @Test(arguments: ["0", "0g", "0x00", " 00", "é"])
    func `refuses anything else`(text: String) {
        #expect(Hex.decode(text) == nil)
    }
}
