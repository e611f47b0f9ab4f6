import Events

/// The flow service: list, one, start and stop.
extension FlowMateModel {
    mutating func answerFlows(_ request: TargetRequest, now: Int64) -> HTTPAnswer {
        guard let bearer = request.bearer else { return Self.errors(401, "Missing authorization header.") }
        guard let caller = session(request, now) else {
            return Self.errors(401, "Token invalid. Error: \(bearer.isEmpty ? "empty" : "unknown or expired")")
        }
        let pieces = request.pieces
        switch (request.method, pieces.count) {
        case ("GET", 1): return list(request.query, caller, now)
        case ("GET", 2): return one(pieces[1], now)
        case ("POST", 3) where pieces[1] == "multiple" && ["start", "stop"].contains(pieces[2]):
            return switchMany(request.body, isOn: pieces[2] == "start", now)
        case ("POST", 3) where ["start", "stop"].contains(pieces[2]):
            let (status, json) = switchOne(pieces[1], isOn: pieces[2] == "start", now)
            return .json(status, json)
        case ("GET", 5) where pieces[2] == "steps" && pieces[4] == "logs":
            return .json(200, .record(["data": .list([]), "meta": .record([:])]))
        default: return Self.errors(404, "Not found")
        }
    }

    private func one(_ id: String, _ now: Int64) -> HTTPAnswer {
        guard Self.isID(id) else { return Self.errors(400, "Invalid id") }
        guard let flow = flows.first(where: { $0.id == id }) else { return Self.errors(404, "No flow found") }
        return .json(200, .record(["data": flow.json(at: now), "meta": .record([:])]))
    }

    // MARK: Start and stop

    private mutating func switchOne(_ id: String, isOn: Bool, _ now: Int64) -> (Int, Value) {
        guard Self.isID(id) else { return (400, Self.errorsValue(400, "Invalid id")) }
        guard let index = flows.firstIndex(where: { $0.id == id }) else {
            return (404, Self.errorsValue(404, "No flow with this ID found"))
        }
        let wanted = isOn ? "inactive" : "active"
        guard !manners.refusesRepeatedSwitch || flows[index].status(at: now) == wanted else {
            return (409, Self.errorsValue(409, "Flow with id \(id) is not \(wanted)."))
        }
        flows[index].switchOn(isOn, at: now)
        let data: Value = .record(["id": .string(id), "status": .string(isOn ? "starting" : "stopping")])
        return (200, .record(["data": data, "meta": .record([:])]))
    }

    private mutating func switchMany(_ body: [UInt8], isOn: Bool, _ now: Int64) -> HTTPAnswer {
        guard case .list(let ids)? = try? JSONReader.parse(body) else { return .error(500, "Internal Server Error") }
        var answers: [Value] = []
        for id in ids {
            guard case .string(let id) = id else { return .error(500, "Internal Server Error") }
            answers.append(switchOne(id, isOn: isOn, now).1)
        }
        return .json(200, .list(answers))
    }

    private static func errorsValue(_ status: Int, _ text: String) -> Value {
        .record(["errors": .list([.record(["message": .string(text), "code": .int(Int64(status))])])])
    }

    // MARK: The list

    private func list(_ query: [String: String], _ caller: Session, _ now: Int64) -> HTTPAnswer {
        guard let size = Int(query["page[size]"] ?? "10"), size >= 0, let page = Int(query["page[number]"] ?? "1"),
            page >= 1
        else {
            // The real one logs the database's error, and never answers.
            var answer = HTTPAnswer.error(504, "never answered")
            answer.delay = Self.never
            return answer
        }
        var chosen: [FlowMateFlow]
        switch choose(query, caller, now) {
        case .success(let flows): chosen = flows
        case .failure(let refusal): return Self.errors(400, "Invalid \(refusal.name) parameter")
        }
        let total = chosen.count
        if size > 0 {
            let (skipped, overflow) = (page - 1).multipliedReportingOverflow(by: size)
            chosen = Array(chosen.dropFirst(overflow ? total : skipped).prefix(size))
        }
        let meta: Fields = [
            "total": .int(Int64(total)), "page": .int(Int64(page)), "perPage": .int(Int64(size)),
            "totalPages": size > 0 ? .int(Int64((total + size - 1) / size)) : .null,
        ]
        return .json(200, .record(["data": .list(chosen.map { $0.json(at: now) }), "meta": .record(meta)]))
    }

    private struct Refusal: Error { var name: String }

    private func choose(
        _ query: [String: String], _ caller: Session, _ now: Int64
    ) -> Result<[FlowMateFlow], Refusal> {
        // Asking for somebody's flows takes the place of the caller's own restriction.
        let owner = query["filter[user]"] ?? caller.user
        var chosen = flows.filter { owner == nil || $0.owner == owner }
        switch query["filter[status]"] {
        case nil: break
        case "active", "1": chosen.removeAll { $0.status(at: now) != "active" }
        case "inactive", "0": chosen.removeAll { $0.status(at: now) != "inactive" }
        default: return .failure(Refusal(name: "filter[status]"))
        }
        switch query["filter[type]"] {
        case nil, "ordinary": break
        case "long_running": chosen = []
        default: return .failure(Refusal(name: "filter[type]"))
        }
        if let template = query["filter[fromTemplate]"] {
            guard Self.isID(template) else { return .failure(Refusal(name: "filter[fromTemplate]")) }
            chosen.removeAll { $0.template != template }
        }
        if let search = query["search"]?.lowercased() {
            chosen.removeAll { !$0.name.lowercased().contains(search) }
        }
        return sort(&chosen, query["sort"]) ? .success(chosen) : .failure(Refusal(name: "sort"))
    }

    private func sort(_ flows: inout [FlowMateFlow], _ order: String?) -> Bool {
        let order = order ?? "createdAt"
        switch order.drop(while: { $0 == "-" }) {
        case "createdAt": flows.sort { $0.createdAt < $1.createdAt }
        case "updatedAt": flows.sort { $0.updatedAt < $1.updatedAt }
        case "name": flows.sort { $0.name < $1.name }
        default: return false
        }
        if order.hasPrefix("-") { flows.reverse() }
        return true
    }
}
