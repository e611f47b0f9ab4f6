import Events

/// Steps that change the emulated org.
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

    /// `{name: Orders__chn, add: Account, remove: [Opportunity]}`
    static func channel(_ value: Value) throws(ScriptProblem) -> SalesforceEdit {
        let fields = try map(value, "channel", allowed: ["name", "add", "remove"])
        guard let name = fields["name"]?.string, isChannelName(name) else {
            throw ScriptProblem("channel needs \"name\": ChangeEvents, or a custom channel's, which ends in __chn")
        }
        let edit = ChannelEdit(
            name: name, add: try entities(fields["add"], "add"), remove: try entities(fields["remove"], "remove"))
        guard !edit.add.isEmpty || !edit.remove.isEmpty else {
            throw ScriptProblem("channel needs \"add\" or \"remove\": an entity such as Account, or a list of them")
        }
        return .channel(edit)
    }

    private static func isChannelName(_ name: String) -> Bool {
        if name == OrgChannels.standard { return true }
        let isPlain = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (0x30...0x39).contains(byte)
                || byte == UInt8(ascii: "_")
        }
        let length = name.utf8.count
        return isPlain && name.hasSuffix(OrgChannels.suffix) && length > OrgChannels.suffix.utf8.count && length <= 80
    }

    /// `{entity: Opportunity, viewAll: false}`
    static func permission(_ value: Value) throws(ScriptProblem) -> SalesforceEdit {
        let fields = try map(value, "permission", allowed: ["entity", "viewAll"])
        let entity = try entities(fields["entity"], "entity").first
        guard let entity, let isGiven = try flag(fields, "viewAll") else {
            throw ScriptProblem("permission needs \"entity\", such as Account, and \"viewAll\": true or false")
        }
        return .permission(entity: entity, isGiven: isGiven)
    }

    /// `{name: Sluice_Orders, state: STOP}`
    static func managed(_ value: Value) throws(ScriptProblem) -> SalesforceEdit {
        let fields = try map(
            value, "managed", allowed: ["name", "topic", "state", "defaultReplay", "errorRecoveryReplay", "deleted"])
        guard let name = fields["name"]?.string, (1...80).contains(name.utf8.count) else {
            throw ScriptProblem("managed needs \"name\": the developer name of a ManagedEventSubscription")
        }
        return .managed(
            ManagedEdit(
                name: name, topic: try text(fields, "topic"), state: try choice(fields, "state"),
                defaultReplay: try choice(fields, "defaultReplay"),
                errorRecoveryReplay: try choice(fields, "errorRecoveryReplay"),
                isDeleted: try flag(fields, "deleted") ?? false))
    }

    /// `{DailyApiRequests: {max: 100, remaining: 3}}`
    static func limits(_ value: Value) throws(ScriptProblem) -> SalesforceEdit {
        let names = Set(OrgLimit.allCases.map(\.rawValue))
        let fields = try map(value, "limits", allowed: names)
        var edits: [LimitEdit] = []
        for field in fields.fields {
            guard let name = OrgLimit(rawValue: field.name) else { continue }
            let numbers = try map(field.value, field.name, allowed: ["max", "remaining"])
            edits.append(
                LimitEdit(
                    name: name, maximum: try number(numbers, "max"), remaining: try number(numbers, "remaining")))
        }
        guard !edits.isEmpty else {
            throw ScriptProblem("limits needs one of \(names.sorted().joined(separator: ", "))")
        }
        return .limits(edits)
    }

    /// `{path: "/query*", status: 503, code: SERVER_UNAVAILABLE, message: busy, times: 3}`
    static func rest(_ value: Value) throws(ScriptProblem) -> SalesforceEdit {
        let fields = try map(value, "rest", allowed: ["path", "status", "code", "message", "times"])
        let path = try text(fields, "path") ?? "*"
        guard path == "*" || path.hasPrefix("/") else {
            throw ScriptProblem(
                "\"path\" is what stands behind the API version, such as /query, or a prefix that ends in *")
        }
        let status = try fields["status"].map { value throws(ScriptProblem) in try count(value, "status", 300...599) }
        let (code, message) = (try text(fields, "code"), try text(fields, "message"))
        guard let failure = RESTFailure(status: status, code: code, message: message) else {
            throw ScriptProblem("rest needs \"status\", such as 503, or \"code\", such as UNABLE_TO_LOCK_ROW")
        }
        return .rest(
            failure.fault(
                path: path, times: try count(fields["times"] ?? .int(1), "times", 1...TargetFault.maximumTimes)))
    }
}

extension ScriptStep {
    /// One entity, or a list of them, each of which the org knows.
    private static func entities(_ value: Value?, _ name: String) throws(ScriptProblem) -> [String] {
        let entities: [String]
        switch value {
        case nil: return []
        case .string(let entity): entities = [entity]
        case .list(let values) where values.allSatisfy({ $0.string != nil }): entities = values.compactMap(\.string)
        default: throw ScriptProblem("\"\(name)\" takes an entity such as Account, or a list of them")
        }
        let known = SalesforceSchemas.all.map(\.entityName)
        if let unknown = entities.first(where: { !known.contains($0) }) {
            throw ScriptProblem("\"\(name)\": there is no \(unknown), only \(known.joined(separator: ", "))")
        }
        return entities
    }

    private static func choice<Word: RawRepresentable & CaseIterable>(
        _ fields: Fields, _ name: String
    ) throws(ScriptProblem) -> Word? where Word.RawValue == String {
        try word(fields, name, Word.allCases.map(\.rawValue)).flatMap(Word.init)
    }

    private static func number(_ fields: Fields, _ name: String) throws(ScriptProblem) -> Int? {
        try fields[name].map { value throws(ScriptProblem) in try count(value, name, 0...1_000_000_000) }
    }
}
