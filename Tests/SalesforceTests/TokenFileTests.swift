import Events
import FoundationEssentials
import TestSupport
import Testing

@testable import Salesforce

@Suite struct TokenFileTests {
    private static let key = Secret(String(repeating: "0f", count: 32))

    @Test func `what is stored is read again, and not to be read otherwise`() throws {
        try withFolder { folder in
            let file = file(folder)
            #expect(try file.load() == nil)
            var stored = grant("secret-refresh-token")
            stored.refreshStartedAt = 5
            try file.save(stored)
            #expect(try self.file(folder).load() == stored)
            let bytes = try Data(contentsOf: URL(filePath: file.path))
            #expect(!String(decoding: bytes, as: UTF8.self).contains("secret"))
            let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["token"])
            try file.remove()
            #expect(try file.load() == nil)
        }
    }

    @Test func `another key, another org's file and a changed file are refused`() throws {
        try withFolder { folder in
            try file(folder).save(grant("t"))
            #expect(throws: SetupError.self) {
                try self.file(folder, key: Secret(String(repeating: "00", count: 32))).load()
            }
            #expect(throws: SetupError.self) { try self.file(folder, name: "other").load() }
            var bytes = [UInt8](try Data(contentsOf: URL(filePath: folder + "/token")))
            bytes[40] = bytes[40] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            try Data(bytes).write(to: URL(filePath: folder + "/token"))
            #expect { try self.file(folder).load() } throws: { "\($0)".contains("sluice salesforce login") }
        }
    }

    @Test(arguments: ["", "short", "0f0f"])
    func `a key of another length says how to make one`(key: String) throws {
        try withFolder { folder in
            #expect {
                try self.file(folder, key: Secret(key)).save(grant("t"))
            } throws: { "\($0)".contains("openssl rand -base64 32") }
        }
    }

    @Test func `a token that could not be written is kept, and written as soon as it can be`() throws {
        try withFolder { folder in
            let file = TokenFile(path: folder + "/later/token", name: "prod", key: { Self.key })
            #expect(throws: SetupError.self) { try file.save(grant("rotated")) }
            try FileManager.default.createDirectory(atPath: folder + "/later", withIntermediateDirectories: false)
            #expect(try file.load()?.refreshToken.exposed == "rotated")
            #expect(
                try TokenFile(path: folder + "/later/token", name: "prod", key: { Self.key }).load() == grant("rotated")
            )
        }
    }

    @Test func `one process at a time uses the token`() async throws {
        let folder = try makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let time = ManualTime(autoAdvance: true)
        let lock = try await file(folder).lock(time.source)
        await #expect { try await file(folder).lock(time.source) } throws: { ($0 as? SignInError)?.isRetryable == true }
        lock.release()
        try await file(folder).lock(time.source).release()
    }

    private func file(_ folder: String, key: Secret = TokenFileTests.key, name: String = "prod") -> TokenFile {
        TokenFile(path: folder + "/token", name: name, key: { key })
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = try makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private func makeFolder() throws -> String {
        let folder = FileManager.default.temporaryDirectory.path + "/sluice-token-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }
}
