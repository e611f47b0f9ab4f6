extension Finding {
    /// A workflow command that GitHub Actions shows beside the line, without a newline.
    ///
    /// - Parameter file: the path from the root of the repository.
    /// Source: GitHub, "Workflow commands for GitHub Actions"; `endColumn` is one past the last, as linters write it.
    package func githubAnnotation(file: String) -> String {
        let position = location.position
        let properties = [
            "file=\(Self.escaped(file, isProperty: true))", "line=\(position.line)", "col=\(position.column)",
            "endColumn=\(position.column + max(1, length))", "title=\(code.rawValue)",
        ]
        let text = hint.map { "\(message)\nhint: \($0)" } ?? message
        return "::\(severity.rawValue) \(properties.joined(separator: ","))::\(Self.escaped(text, isProperty: false))"
    }

    private static func escaped(_ text: String, isProperty: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "%": result += "%25"
            case "\r": result += "%0D"
            case "\n": result += "%0A"
            case ":" where isProperty: result += "%3A"
            case "," where isProperty: result += "%2C"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
