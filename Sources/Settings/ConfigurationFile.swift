import Documents
import Events
import FoundationEssentials

/// Reads `sluice.yaml`: the configuration, or everything that is wrong with it.
package struct ConfigurationFile: Sendable {
    package let path: String
    package let findings: [Finding]
    /// Nil if a finding is an error.
    package let configuration: Configuration?

    /// - Throws: `ConfigurationFileError` if the file cannot be read at all.
    package init(path: String) throws(ConfigurationFileError) {
        let bytes: [UInt8]
        do {
            bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw ConfigurationFileError(path: path, reason: Self.reason(error))
        }
        self.init(path: path, bytes: bytes)
    }

    /// - Parameter path: for messages, and the place that relative paths start from.
    package init(path: String, bytes: [UInt8]) {
        let checked = CheckedYAML(path: path, bytes: bytes, table: ConfigurationKeys.file)
        var configuration: Configuration?
        if let root = checked.root {
            let decoder = ConfigurationDecoder(findings: checked.findings, folder: Self.folder(of: path))
            decoder.check(root)
            if !checked.findings.hasErrors { configuration = decoder.decode(root) }
        }
        self.path = path
        findings = checked.findings.sorted()
        self.configuration = configuration
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? CocoaError else { return "\(error)" }
        switch error.code {
        case .fileReadNoSuchFile, .fileNoSuchFile: return "there is no such file"
        case .fileReadNoPermission: return "no permission to read it"
        default: return "it cannot be read"
        }
    }
}

package struct ConfigurationFileError: Error, CustomStringConvertible {
    package let path: String
    package let reason: String

    package var description: String {
        "cannot read \(path): \(reason). `sluice init` writes an example; --config names another file."
    }
}
