import Foundation
import Testing

@testable import Settings

@Suite struct EnvironmentFileTests {
    /// What stands in the file, and what it gives.
    @Test(arguments: [
        ("A=1\nB=2", ["A": "1", "B": "2"]),
        ("A=1\r\nB=2\r\n", ["A": "1", "B": "2"]),
        ("\u{FEFF}A=1\nB=2\n", ["A": "1", "B": "2"]),
        ("  # note\n\n export A = 1 \n", ["A": "1"]),
        ("A=a=b#c d", ["A": "a=b#c d"]),
        (#"A="x y" "#, ["A": "x y"]),
        ("A='$B \\n'", ["A": "$B \\n"]),
        (#"A="""#, ["A": ""]),
        ("A=", ["A": ""]),
        ("A=1\nA=2", ["A": "2"]),
        ("", [:]),
    ])
    func `lines give variables, whoever wrote them`(text: String, expected: [String: String]) throws {
        #expect(try EnvironmentFile.variables(Array(text.utf8), path: ".env") == expected)
    }

    @Test(arguments: [
        ("A=1\nhunter2", ".env:2:1"), ("=hunter2", ".env:1:1"), ("MY KEY=hunter2", ".env:1:1"),
        ("1A=hunter2", ".env:1:1"), (#"A="hunter2" # mine"#, "A comment needs a line of its own"),
        ("A='hunter2", "does not end with it"), ("A=\"", "does not end with it"),
    ])
    func `what cannot be meant is said with its place and never shown`(text: String, expected: String) {
        #expect {
            try EnvironmentFile.variables(Array(text.utf8), path: ".env")
        } throws: { error in
            "\(error)".contains(expected) && !"\(error)".contains("hunter2")
        }
    }

    @Test func `bytes that are no text are refused rather than replaced`() {
        #expect(throws: EnvironmentFileError.self) { try EnvironmentFile.variables([0x41, 0x3D, 0xFF], path: ".env") }
    }

    @Test func `the environment goes first, unless it is empty`() {
        let merged = EnvironmentFile.merged(
            ["A": "set", "B": "", "HOME": "/h"], ["A": "file", "B": "file", "C": "file", "D": "", "HOME": ""])
        #expect(merged == ["A": "set", "B": "file", "C": "file", "D": "", "HOME": "/h"], "D is set, and empty")
    }

    @Test func `a file that cannot be read says why`() throws {
        let large = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        #expect(try EnvironmentFile.read(large) == nil, "there is none yet")
        #expect(throws: EnvironmentFileError("cannot read /: is a directory. Let the user that runs sluice read it, or take it away.")) {
            try EnvironmentFile.read("/")
        }
        defer { try? FileManager.default.removeItem(atPath: large) }
        try Data(count: EnvironmentFile.maximumBytes + 1).write(to: URL(filePath: large))
        let error = #expect(throws: EnvironmentFileError.self) { try EnvironmentFile.read(large) }
        #expect(error?.description == "cannot read \(large): it is larger than 65536 bytes. Is it the right file?")
        try Data(count: EnvironmentFile.maximumBytes).write(to: URL(filePath: large))
        #expect(try EnvironmentFile.read(large)?.count == EnvironmentFile.maximumBytes)
    }
}
