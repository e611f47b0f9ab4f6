import Events

/// The identity service: users, tokens, and who calls.
extension FlowMateModel {
    /// Whose token it is; nil for none, an unknown one, or one that ended. A look-up puts off the end.
    mutating func session(_ request: TargetRequest, _ now: Int64) -> Session? {
        guard let bearer = request.bearer else { return nil }
        if bearer == token { return Session(user: nil, usedAt: now, isPersistent: true) }
        guard let session = sessions[bearer] else { return nil }
        guard session.isPersistent || now - session.usedAt < Self.sessionMilliseconds else {
            sessions[bearer] = nil
            return nil
        }
        sessions[bearer]?.usedAt = now
        return session
    }

    private mutating func admin(_ request: TargetRequest, _ now: Int64) -> HTTPAnswer? {
        guard let caller = session(request, now) else { return Self.message(401, "Unauthorized") }
        return caller.user == nil ? nil : Self.message(403, "FORBIDDEN")
    }

    private static func body(_ request: TargetRequest) -> Fields? {
        guard case .record(let fields)? = try? JSONReader.parse(request.body) else { return nil }
        return fields
    }

    private static func text(_ value: Value?) -> String? {
        guard case .string(let text)? = value, !text.isEmpty else { return nil }
        return text
    }

    private mutating func open(_ user: String?, _ fresh: String, _ now: Int64, isPersistent: Bool = false) -> String {
        if sessions.count >= Self.maximumSessions, let oldest = sessions.min(by: { $0.value.usedAt < $1.value.usedAt })
        {
            sessions[oldest.key] = nil
        }
        sessions[fresh] = Session(user: user, usedAt: now, isPersistent: isPersistent)
        return fresh
    }

    // MARK: Users

    /// The whole list, bare unless `meta` has any text.
    mutating func listUsers(_ request: TargetRequest, now: Int64) -> HTTPAnswer {
        if let refusal = admin(request, now) { return refusal }
        var chosen = users
        if let id = request.query["userId"] {
            guard Self.isID(id) else { return Self.message(500, "The filter is invalid.") }
            chosen.removeAll { $0.id != id }
        }
        if let name = request.query["username"] { chosen.removeAll { $0.username != name } }
        let list: Value = .list(chosen.map(\.json))
        guard !(request.query["meta"] ?? "").isEmpty else { return .json(200, list) }
        return .json(200, .record(["data": list, "meta": .record(["total": .int(Int64(chosen.count))])]))
    }

    /// Makes the user if the name is new.
    mutating func impersonate(_ request: TargetRequest, now: Int64, fresh: String) -> HTTPAnswer {
        if let refusal = admin(request, now) { return refusal }
        guard let name = Self.text(Self.body(request)?["username"])?.lowercased() else {
            return Self.message(400, "username is missing")
        }
        let user = users.first { $0.username == name } ?? make(name, id: String(fresh.suffix(24)))
        return .json(200, .record(["token": .string(open(user.id, fresh, now)), "id": .string(user.id)]))
    }

    private mutating func make(_ name: String, id: String) -> FlowMateUser {
        let user = FlowMateUser(id: id, username: name, status: "ACTIVE")
        if users.count < Self.maximumUsers { users.append(user) }
        return user
    }

    // MARK: Tokens

    mutating func logIn(_ request: TargetRequest, now: Int64, fresh: String) -> HTTPAnswer {
        let body = Self.body(request)
        guard let name = Self.text(body?["username"])?.lowercased(),
            let user = users.first(where: { $0.username == name })
        else { return Self.message(401, "USER_NOT_FOUND") }
        guard user.status == "ACTIVE" else { return Self.message(401, "ENTITY_DISABLED") }
        guard Self.text(body?["password"]) == password else { return Self.message(401, "PASSWORD_INCORRECT") }
        return .json(200, .record(["token": .string(open(user.id, fresh, now)), "id": .string(user.id)]))
    }

    /// The same token, which lives on.
    mutating func refresh(_ request: TargetRequest, now: Int64) -> HTTPAnswer {
        guard session(request, now) != nil, let bearer = request.bearer else {
            return Self.message(401, "Unauthorized")
        }
        return .json(200, .record(["token": .string(bearer)]))
    }

    mutating func createToken(_ request: TargetRequest, now: Int64, fresh: String) -> HTTPAnswer {
        if let refusal = admin(request, now) { return refusal }
        guard let body = Self.body(request), let account = Self.text(body["accountId"]) else {
            return Self.message(400, "accountId is missing")
        }
        let token = open(account, fresh, now, isPersistent: body["expiresIn"] == .int(-1))
        return .json(200, .record(["token": .string(token), "id": .string(String(fresh.suffix(24)))]))
    }

    // MARK: Executions

    /// Counts of steps, by user, flow or component.
    mutating func count(_ request: TargetRequest, now: Int64) -> HTTPAnswer {
        if let refusal = admin(request, now) { return refusal }
        let query = request.query
        guard let start = query["start"], let end = query["end"], start.utf8.count == 10, end.utf8.count == 10 else {
            return Self.message(400, "start and end are days: 2026-11-22")
        }
        var counts: [String: Int64] = [:]
        for (day, flows) in executions where (start...max(start, end)).contains(day) {
            for (flow, count) in flows { counts[group(flow, query["groupby"]), default: 0] += count }
        }
        let rows = counts.sorted { $0.key < $1.key }.map { id, count in
            Value.record(["id": .string(id), "count": .int(count)])
        }
        return .json(200, .record(["data": .list(rows)]))
    }

    private func group(_ flow: String, _ grouping: String?) -> String {
        switch grouping {
        case "user": flows.first { $0.id == flow }?.owner ?? flow
        case "component": "65a1f0c2d3e4b5a697880001"
        default: flow
        }
    }
}
