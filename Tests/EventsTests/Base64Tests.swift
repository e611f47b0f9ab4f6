import Testing

@testable import Events

@Suite struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `agrees with the vectors of RFC 4648`(plain: String, encoded: String) {
        #expect(Base64.encode(plain.utf8) == encoded)
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
        var bytes: [UInt8] = [1]
        Base64.appendEncoded(Array(plain.utf8), to: &bytes)
        #expect(bytes == [1] + Array(encoded.utf8))
    }

    @Test func `reads back what it wrote, at every length`() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.decode(Base64.encodeURL(bytes)) == bytes)
        }
    }

    @Test func `the URL alphabet has no padding`() {
        #expect(Base64.encodeURL([0xFB, 0xFF]) == "-_8")
        #expect(Base64.encode([0xFB, 0xFF]) == "+/8=")
    }

    @Test(arguments: ["A", "AA=", "AA===", "=", "A=A=", "AB==", "AAB=", "A A=", "AAAA=", "AAAA==", "ÄÄÄÄ", "AA==AA=="])
    func `refuses what is not base64`(text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
