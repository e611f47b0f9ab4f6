import Events
import Glibc

/// Finds the secrets that references name.
package struct SecretStore: Sendable {
    /// Larger files are no secrets.
    package static let maximumFileBytes = 64 * 1024

    private let variables: @Sendable () -> [String: String]
    /// Why variables of a file are those of before, although it was edited; nil if all is well.
    package let problem: @Sendable () -> String?
    /// The file of variables; nil for none.
    package let file: String?
    private let baseDirectory: String

    /// - Parameter baseDirectory: what relative paths are relative to; empty for the working directory.
    package init(environment: [String: String], baseDirectory: String = "") {
        self.init(baseDirectory: baseDirectory) { environment }
    }

    /// - Parameter variables: asked for each secret anew, since a file may hold them.
    package init(
        baseDirectory: String, file: String? = nil, problem: @escaping @Sendable () -> String? = { nil },
        variables: @escaping @Sendable () -> [String: String]
    ) {
        self.problem = problem
        self.file = file
        self.variables = variables
        self.baseDirectory = baseDirectory
    }

    /// Reads a secret anew: a file may have been replaced since the last time.
    package func resolve(_ reference: SecretReference) throws(SecretError) -> Secret {
        switch reference {
        case .env(let name):
            guard let text = variables()[name] else {
                throw SecretError(reference: reference, reason: "the variable is not set")
            }
            return try checked(text, reference, whenEmpty: "it is set, but empty")
        case .file(let path):
            return try checked(read(absolute(path), reference), reference, whenEmpty: "it is empty")
        }
    }

    /// `path` as seen from the base directory.
    package func absolute(_ path: String) -> String {
        path.hasPrefix("/") || baseDirectory.isEmpty ? path : baseDirectory + "/" + path
    }

    /// Editors end files with a line break; no token does.
    private func checked(
        _ text: String, _ reference: SecretReference, whenEmpty: String
    ) throws(SecretError) -> Secret {
        var text = Substring(text)
        while let last = text.last, last.isNewline { text.removeLast() }
        guard !text.isEmpty else { throw SecretError(reference: reference, reason: whenEmpty) }
        return Secret(String(text))
    }

    private func read(_ path: String, _ reference: SecretReference) throws(SecretError) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw SecretError(reference: reference, reason: String(cString: strerror(errno)).lowercased())
        }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: Self.maximumFileBytes + 1)
        var length = 0
        while length < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Self.readOnce(file, UnsafeMutableRawBufferPointer(rebasing: buffer[length...]))
            }
            guard count >= 0 else {
                throw SecretError(reference: reference, reason: String(cString: strerror(errno)).lowercased())
            }
            if count == 0 { break }
            length += count
        }
        guard length <= Self.maximumFileBytes else {
            throw SecretError(reference: reference, reason: "it is larger than \(Self.maximumFileBytes) bytes")
        }
        guard let text = String(validating: bytes[..<length], as: UTF8.self) else {
            throw SecretError(reference: reference, reason: "it is not UTF-8 text")
        }
        return text
    }

    private static func readOnce(_ file: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        var count: Int
        repeat {
            count = Glibc.read(file, buffer.baseAddress, buffer.count)
        } while count < 0 && errno == EINTR
        return count
    }
}

/// A reference that leads to no secret. Names the reference, never a value.
package struct SecretError: Error, Sendable, Equatable, CustomStringConvertible {
    package var reference: SecretReference
    package var reason: String

    package var description: String {
        switch reference {
        case .env(let name): "cannot read the secret from environment variable \(name): \(reason)"
        case .file(let path): "cannot read the secret from file \(path): \(reason)"
        }
    }
}
