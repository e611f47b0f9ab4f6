import FoundationEssentials
import Glibc

/// `.env` beside the configuration: variables for secrets, unless the environment has them already.
package enum EnvironmentFile {
    package static let maximumBytes = 64 << 10

    /// The environment, with what the file adds. No file is no error.
    package static func variables(beside configuration: String) throws(EnvironmentFileError) -> [String: String] {
        let folder = configuration.lastIndex(of: "/").map { String(configuration[...$0]) } ?? ""
        let path = folder + ".env"
        let environment = ProcessInfo.processInfo.environment
        guard let bytes = try read(path) else { return environment }
        return merged(environment, try variables(bytes, path: path))
    }

    /// An empty variable gives way to the other side's.
    static func merged(_ environment: [String: String], _ added: [String: String]) -> [String: String] {
        environment.merging(added) { set, fromFile in set.isEmpty ? fromFile : set }
    }

    /// - Returns: nil if there is no such file.
    static func read(_ path: String) throws(EnvironmentFileError) -> [UInt8]? {
        guard let file = fopen(path, "re") else {
            guard errno != ENOENT else { return nil }
            throw unreadable(path)
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: maximumBytes + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else { throw unreadable(path) }
        guard count <= maximumBytes else {
            throw EnvironmentFileError("cannot read \(path): it is larger than \(maximumBytes) bytes. Is it the right file?")
        }
        return Array(bytes[..<count])
    }

    private static func unreadable(_ path: String) -> EnvironmentFileError {
        let reason = String(cString: strerror(errno)).lowercased()
        return EnvironmentFileError(
            "cannot read \(path): \(reason). Let the user that runs sluice read it, or take it away.")
    }

    /// Lines of `NAME=value`, with or without `export` before them; the last one of a name counts. Values are literal:
    /// nothing is replaced in them, and a `#` is part of them. Quotes around a value, and spaces outside of them, are not.
    ///
    /// Errors name the line, never what stands there.
    package static func variables(_ bytes: [UInt8], path: String) throws(EnvironmentFileError) -> [String: String] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw EnvironmentFileError("cannot read \(path): it is not UTF-8 text.")
        }
        var result: [String: String] = [:]
        // Editors of Windows end lines with two characters and begin files with a mark.
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let place = "\(path):\(index + 1):1"
            var line = trimmed(index == 0 ? withoutMark(line) : line)
            if line.isEmpty || line.hasPrefix("#") { continue }
            if line.hasPrefix("export ") { line = trimmed(line.dropFirst(7)) }
            guard let equals = line.firstIndex(of: "=") else {
                throw EnvironmentFileError("\(place): this is not NAME=value.")
            }
            let name = String(trimmed(line[..<equals]))
            guard isName(name) else {
                throw EnvironmentFileError("\(place): before '=' belongs a name of letters, digits and underscores.")
            }
            result[name] = try value(trimmed(line[line.index(after: equals)...]), of: name, place)
        }
        return result
    }

    private static func value(
        _ text: Substring, of name: String, _ place: String
    ) throws(EnvironmentFileError) -> String {
        guard let quote = text.first, quote == "\"" || quote == "'" else { return String(text) }
        guard text.count >= 2, text.last == quote else {
            throw EnvironmentFileError(
                "\(place): the value of \(name) begins with \(quote) and does not end with it. A comment needs a line "
                    + "of its own; a value that begins with a quote is put into the other kind of quotes.")
        }
        return String(text.dropFirst().dropLast())
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    private static func withoutMark(_ text: Substring) -> Substring {
        text.unicodeScalars.first == "\u{FEFF}" ? Substring(text.unicodeScalars.dropFirst()) : text
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}

package struct EnvironmentFileError: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
