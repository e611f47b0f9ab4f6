import Documents
import FoundationEssentials
import Glibc

/// Makes the changes that findings are certain of: spelling, quoting, operators, durations. Comments and everything
/// else in the file stay as they are.
package struct RuleFixes {
    /// One mended mistake may bring the next to light, but not for ever.
    static let maximumRounds = 10

    /// The files as they are after all fixes; those that nothing was changed in, too.
    package private(set) var sources: [RuleSource]
    package private(set) var fixCount = 0
    /// What is left to do by hand.
    package private(set) var report: LintReport

    package init(_ sources: [RuleSource], options: Lint.Options = Lint.Options()) {
        self.sources = sources
        report = Lint.check(sources, options: options)
        for _ in 0..<Self.maximumRounds {
            let fixes = Dictionary(grouping: report.findings.filter { $0.fix != nil }, by: \.location.path)
            guard !fixes.isEmpty else { return }
            let mended = self.sources.map { source in
                Fix.apply(fixes[source.path, default: []].compactMap(\.fix), to: source.bytes)
                    .map { RuleSource(path: source.path, bytes: $0) } ?? source
            }
            let after = Lint.check(mended, options: options)
            // A change that makes things worse was none; what was mended before it stays.
            guard mended != self.sources, after.errorCount <= report.errorCount || after.fixableCount > 0 else {
                return
            }
            fixCount += fixes.values.reduce(0) { $0 + $1.count }
            self.sources = mended
            report = after
        }
    }

    /// Paths of the files that differ, and their new bytes.
    package func changes(from original: [RuleSource]) -> [RuleSource] {
        zip(original, sources).compactMap { $0.bytes == $1.bytes ? nil : $1 }
    }

    /// Replaces a file in one step: readers, a running relay among them, see the old text or the new one.
    package static func write(_ bytes: [UInt8], to path: String) throws(RuleFolderError) {
        let temporary = path + ".sluice-fix"
        do {
            let target = try FileManager.default.destinationIfLink(path)
            let attributes = try FileManager.default.attributesOfItem(atPath: target)
            try Data(bytes).write(to: URL(filePath: temporary))
            if let mode = attributes[.posixPermissions] {
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: temporary)
            }
            guard rename(temporary, target) == 0 else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            try? FileManager.default.removeItem(atPath: temporary)
            throw RuleFolderError(path: path, reason: "no file can be made beside it", kind: .unwritable)
        }
    }
}

extension FileManager {
    /// The file that a symbolic link names; of anything else, itself.
    fileprivate func destinationIfLink(_ path: String) throws -> String {
        guard let target = try? destinationOfSymbolicLink(atPath: path) else { return path }
        if target.hasPrefix("/") { return target }
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return folder.isEmpty ? target : "\(folder)/\(target)"
    }
}
