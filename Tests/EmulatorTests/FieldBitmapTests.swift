import Testing

@testable import Emulator

@Suite struct FieldBitmapTests {
    @Test(arguments: [
        ([1, 23], "0x800002"), ([23, 68], "0x100000000000800000"), ([11, 22], "0x400800"),
        ([58], "0x0400000000000000"), ([0], "0x01"), ([6, 8, 17, 18, 29, 31], "0xA0060140"),
    ])
    func `top-level fields become one big-endian number`(fields: [Int], hex: String) {
        var bitmap = FieldBitmap()
        for field in fields { bitmap.insert(field) }
        #expect(bitmap.elements == [hex])
    }

    @Test func `components alone give no top-level element`() {
        var bitmap = FieldBitmap()
        bitmap.insert(7, in: 6)
        bitmap.insert(8, in: 6)
        #expect(bitmap.elements == ["6-0x0180"])
    }

    @Test func `the top level stands first, compound fields in their order`() {
        var bitmap = FieldBitmap()
        bitmap.insert(0, in: 6)
        bitmap.insert(1, in: 5)
        bitmap.insert(23)
        #expect(bitmap.elements == ["0x800000", "5-0x02", "6-0x01"])
    }

    @Test func `nothing gives an empty list`() { #expect(FieldBitmap().elements.isEmpty) }
}
