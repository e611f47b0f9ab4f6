import Events

/// What a script changes of the emulated org.
package enum SalesforceEdit: Sendable, Equatable {
    /// The token endpoint refuses so often, in these words.
    case refuse(error: String, description: String, times: Int)
    /// Whether a refresh token is replaced with each use.
    case rotate(Bool)
    /// The sandbox is refreshed: the same address and app, another org; sessions end.
    case refreshSandbox(String)
}

extension ScriptStep {
    /// `{error: invalid_grant, description: inactive user, times: 2}` or `{rotate: true}`
    static func oauth(_ value: Value) throws(ScriptProblem) -> SalesforceEdit {
        let fields = try map(value, "oauth", allowed: ["error", "description", "times", "rotate"])
        if case .bool(let rotates)? = fields["rotate"] { return .rotate(rotates) }
        guard case .string(let error)? = fields["error"], !error.isEmpty else {
            throw ScriptProblem("oauth needs \"error\", such as invalid_grant, or \"rotate\": true or false")
        }
        let description: String = if case .string(let text)? = fields["description"] { text } else { "" }
        return .refuse(
            error: error, description: description,
            times: try count(fields["times"] ?? .int(1), "times", 1...TargetFault.maximumTimes))
    }

    /// `{id: 00DDp0000000002MAA}`
    static func org(_ value: Value) throws(ScriptProblem) -> SalesforceEdit {
        let fields = try map(value, "org", allowed: ["id"])
        guard case .string(let id)? = fields["id"], id.hasPrefix("00D"), id.utf8.count == 18 else {
            throw ScriptProblem("org needs \"id\": 18 characters that begin with 00D")
        }
        return .refreshSandbox(id)
    }
}
