import Events
import Testing

@testable import Emulator

/// What Python's zlib and gzip made, read back.
@Suite struct InflateTests {
    /// `{"data":{"n":1}}`
    static let gzipped = "H4sIAAAAAAACA6tWSkksSVSyqlbKU7IyrK0FAKAfDWcQAAAA"
    static let deflated = "eJyrVkpJLElUsqpWylOyMqytBQAsEgUm"
    /// Fifty times the same, with a file name in the header.
    private static let named = "H4sICAAAAAAC/25hbWUuanNvbgCrVkpJLElUsqpWylOyMqytrR7lj/JH+XA+ABVKw6YgAwAA"
    private static let stored = "eAEBDwDw/3N0b3JlZCBhcyBpdCBpcy3tBX8="
    /// The squares up to 399 squared, with codes of their own.
    private static let squares =
        "eNotldmBxDAIQ1tJCcaAgf4bWz1mfyaeBDCHJM5nX3zz2ftufv6+mO/F1/bZOZ9dPSP0VRYjE9nc1LPn8xuyl7fsIvTs+PLOl/W+"
        + "J7unZ+l/6X3r+8huHnHlaEcRzBTKiGlXwc25JbguufeRwCOTUkbWQQ7K8B6yMDK+Z77rJ74bx5SZPO7jVLxrvo7sHA9XfJJW5q54"
        + "Hors3OGl27x1r48yiKNcgqzClV+EMo2nnKOoljLyqJ40CnYq1pcvqTmL0+jdO/oqL1M35fFSvq8U5bXi1UmaI4/SnV+l7q1SBjXK"
        + "pWl9X+XXwSyecu5W9kMdstBJWaqbqnL67Kxo1rl7jkODnyzUZhmb4Wd2nXPQR3u01Jru3t+knZ7fpP23mMSdHcrOxyN3QEzNhwGG"
        + "vcUGvsqSczejk59+XY2w7Yllc377/jk2b+0frbTaOBXErI1fw12992ronDefOeQ2m+csOIb8VbNquYe67ikAYj+EOBAx+nBxFlzo"
        + "z/3B5NK368Z7j8VRYR/rG06coPNCDPGTeQj7+CZTupqu3j9md5W47HeitxKGFHO+qgIgMn1xBt8BE3dSfVCD1ROBs4AovfIznA1U"
        + "KXvZ+AVrgi1AvSDQ3WCeg0t3hRaUuVcjGs5g2NOBcy6yH/MV5BfvDfRrWVAPQvRyQwTlDGM03rNUOMtt2H1iz633YXCO4UMSfDU5"
        + "ZOPCz/Cr+Pqvu6QJqwxwWbNRPpEwPLIg2FuGvQfFCjWIyiUZGiEtwbfRjRiF1i9akscg2PYq7XC21RxBAfVBh/QfijralN6KmYFe"
        + "iaW6K5N7NaGBsuhaCo2yKbRO2oVvizb6TdWSAo5sRqmL09T7Tqp2miqWm6RAND/qz1tcPd+z7/tYm1j7XN/cOI+YlC6b4q6396pr"
        + "yoER6f2Qm7JEHs4qxSF/pYl+GHXVpcbaesupXWqiPlTQk0r6U8tB4YbzWz0u+llFb2v7XE3PRTvF7MMs+jCXXm1uY159mV1f5tjO"
        + "THvnK4VCp5K5d4IBpa8au6hXxFXt3WCmG/z0gKVZXM0BY2PgbQzsQQ6J2+q1pB7JC7A6AW4nwfAsnueB7aFs/YL5afAvSuE78EJ2"
        + "kMSO2a4cq//1s1rpEEsPWCYVgHJ6wD87P+ESzPbfm/1WuZZ912/ZbGegNgLLDXq7a81QAF16f7KLNpg5QiH5RTX0QEJYgESxh7jo"
        + "MavK9Vai21ev5yfegzrRKmRd2w+Nv7bi/1M0FHz/+ey32AVw09fvbZT70Efp+y4BXcp9t39r4KepflZgEcbgsdLL2kT//5eBr0J7"
        + "/NZBrnYLinTCf6oucaFL3qv3Piv+Aif9jKWvFsjuiLj7TRTFUtDZVfK/V/K3ZPK3cd7eF7W7KH4LQgMmM+bG2jm7v9K2hvxtNik3"
        + "9Yl5VCsDapcO+G6o7Uu+3ZPQn2+9G1S3HvsDcTq7bQ=="

    private func decode(_ text: String, _ format: Inflate.Format, limit: Int = 1 << 20) throws -> String {
        let bytes = try #require(Base64.decode(text))
        return String(decoding: try Inflate.decode(bytes, format, limit: limit), as: UTF8.self)
    }

    @Test func `every kind of block is read`() throws {
        #expect(try decode(Self.gzipped, .gzip) == #"{"data":{"n":1}}"#)
        #expect(try decode(Self.deflated, .zlib) == #"{"data":{"n":1}}"#)
        #expect(try decode(Self.named, .gzip) == String(repeating: #"{"data":{"n":1}}"#, count: 50))
        #expect(try decode(Self.stored, .zlib) == "stored as it is")
        #expect(try decode(Self.squares, .zlib) == (0..<400).map { "\($0 * $0)" }.joined(separator: " "))
    }

    @Test func `what comes out is bounded`() {
        #expect(throws: Inflate.Failure.tooLarge) { try decode(Self.named, .gzip, limit: 799) }
        #expect(throws: Inflate.Failure.tooLarge) { try decode(Self.stored, .zlib, limit: 14) }
    }

    @Test(arguments: [Inflate.Format.gzip, .zlib])
    func `bytes that are cut or changed anywhere never pass, and never trap`(_ format: Inflate.Format) throws {
        let whole = try #require(Base64.decode(format == .gzip ? Self.gzipped : Self.squares))
        let content = try Inflate.decode(whole, format, limit: 1 << 20)
        for index in whole.indices {
            #expect(throws: Inflate.Failure.self) { try Inflate.decode(Array(whole[..<index]), format, limit: 1 << 20) }
            for mask: UInt8 in [0x01, 0x10, 0xFF] {
                var broken = whole
                broken[index] ^= mask
                // Some header bytes mean nothing.
                if let read = try? Inflate.decode(broken, format, limit: 1 << 20) { #expect(read == content) }
            }
        }
    }
}
