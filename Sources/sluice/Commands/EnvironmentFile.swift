import FoundationEssentials
import Glibc

/// `.env` beside the configuration: variables for secrets, unless the environment has them already.
enum EnvironmentFile {
    static let maximumBytes = 64 << 10

    /// The environment, with what the file adds. No file is no error.
    static func variables(beside configuration: String) throws -> [String: String] {
        let folder = configuration.lastIndex(of: "/").map { String(configuration[...$0]) } ?? ""
        let path = folder + ".env"
        let environment = ProcessInfo.processInfo.environment
        guard access(path, F_OK) == 0 else { return environment }
        guard let data = FileManager.default.contents(atPath: path), data.count <= maximumBytes else {
            throw CommandFailure(.badInput, "cannot read \(path): no permission, or larger than \(maximumBytes) bytes.")
        }
        let added = try variables(String(decoding: data, as: UTF8.self), path: path).filter { !$0.1.isEmpty }
        return environment.merging(added) { fromEnvironment, _ in fromEnvironment }
    }

    /// Values are taken literally, without the quotes around them if there are any.
    static func variables(_ text: String, path: String) throws -> [(String, String)] {
        var result: [(String, String)] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            var line = line.drop(while: \.isWhitespace)
            if line.isEmpty || line.hasPrefix("#") { continue }
            if line.hasPrefix("export ") { line = line.dropFirst(7) }
            guard let equals = line.firstIndex(of: "="), equals > line.startIndex else {
                throw CommandFailure(.badInput, "\(path):\(index + 1):1: this is not NAME=value.")
            }
            let name = String(line[..<equals])
            result.append((name, unquoted(String(line[line.index(after: equals)...]))))
        }
        return result
    }

    private static func unquoted(_ text: String) -> String {
        let trimmed = String(text.reversed().drop(while: \.isWhitespace).reversed())
        guard let first = trimmed.first, first == "\"" || first == "'", trimmed.count >= 2, trimmed.last == first else {
            return trimmed
        }
        return String(trimmed.dropFirst().dropLast())
    }
}
