/// Collects the findings of one check. Not shared between tasks.
package final class FindingList {
    private(set) var findings: [Finding] = []
    /// A file that is wrong in thousands of places is shown its first ones.
    static let limitPerFile = 200
    private var countPerFile: [String: Int] = [:]
    /// What was found beyond that, and is counted only.
    package private(set) var unshown = Unshown()

    package struct Unshown: Sendable, Equatable {
        package var errors = 0
        package var warnings = 0

        package init() {}
    }

    /// The line shown last: many findings may stand on one long line.
    private var shown: (source: SourceText, line: Int, masked: [Unicode.Scalar])?

    package init() {}

    package private(set) var hasErrors = false

    /// Reports a finding.
    ///
    /// - Parameter secret: the excerpt shows dots in place of the marked text.
    package func report(
        _ code: FindingCode, _ severity: Finding.Severity = .error, in source: SourceText, at position: SourcePosition,
        length: Int = 1, _ message: String, hint: String? = nil, fix: Fix? = nil, secret: Bool = false
    ) {
        let count = countPerFile[source.path, default: 0]
        guard count < Self.limitPerFile || (severity == .error && !hasErrors) else {
            if severity == .error { unshown.errors += 1 } else { unshown.warnings += 1 }
            return
        }
        countPerFile[source.path] = count + 1
        if severity == .error { hasErrors = true }
        let shown = excerpt(of: source, at: position, length: length, secret: secret)
        findings.append(
            Finding(
                severity: severity, code: code, location: source.location(position), length: shown.length,
                message: message, hint: hint, fix: fix, excerpt: shown.excerpt))
    }

    package func contains(_ code: FindingCode, in path: String) -> Bool {
        findings.contains { $0.code == code && $0.location.path == path }
    }

    /// By file, line and column; what was found first stays first at one place.
    package func sorted() -> [Finding] {
        findings.enumerated().sorted { left, right in
            left.element.location == right.element.location
                ? left.offset < right.offset : left.element.location < right.element.location
        }.map(\.element)
    }

    private static let excerptScalars = 160

    private func masked(_ source: SourceText, _ number: Int) -> [Unicode.Scalar] {
        if let shown, shown.source === source, shown.line == number { return shown.masked }
        let masked = SecretMask.apply(to: Array(source.line(number)))
        shown = (source, number, masked)
        return masked
    }

    private func excerpt(
        of source: SourceText, at position: SourcePosition, length: Int, secret: Bool
    ) -> (excerpt: Finding.Excerpt?, length: Int) {
        var line = masked(source, position.line)
        var length = max(1, min(length, line.count - position.column + 1))
        guard !line.isEmpty else { return (nil, length) }
        if secret, position.column <= line.count {
            line.replaceSubrange((position.column - 1)..., with: "•••".unicodeScalars)
            length = 3
        }
        let limit = Self.excerptScalars
        let start = line.count <= limit ? 0 : max(0, min(position.column - 80, line.count - limit))
        let window = line[start..<min(line.count, start + limit)]
        let printable = window.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? " " : $0 }
        let column = position.column - start
        return (Finding.Excerpt(text: String(scalars: printable), column: column), min(length, limit))
    }
}
