import Crypto

/// Tells whether a file's content is what it was.
enum ContentHash {
    /// SHA-256, 32 bytes.
    static func of(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }
}
