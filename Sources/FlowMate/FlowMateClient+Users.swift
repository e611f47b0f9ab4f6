import Events

extension FlowMateClient {
    /// What to ask of the list of users. Both may name several.
    package struct UserFilter: Sendable, Equatable {
        /// The IDs that your system gave.
        package var usernames: [String]
        /// FlowMate's own IDs.
        package var ids: [String]

        package init(usernames: [String] = [], ids: [String] = []) {
            self.usernames = usernames
            self.ids = ids
        }
    }

    /// All users of the tenant, or those that the filter names. The list has no pages.
    package func users(
        _ filter: UserFilter = UserFilter()
    ) async throws(FlowMateError) -> FlowMateAnswer<[FlowMateUser]> {
        try await users(filter, path: settings.paths.users)
    }

    /// One user by the ID that your system gave.
    ///
    /// FlowMate keeps user names in lower case and compares exactly, so a name with capitals is asked for twice.
    ///
    /// - Returns: nil when there is none.
    /// - Throws: also when there is more than one: none of them is then the right one.
    package func user(named name: String) async throws(FlowMateError) -> FlowMateUser? {
        var found = try await matches(name, asking: name)
        if found.isEmpty, name != name.lowercased() { found = try await matches(name, asking: name.lowercased()) }
        guard found.count <= 1 else {
            throw .input("find user '\(name)'", "FlowMate has \(found.count) users of this name; one must be removed")
        }
        return found.first
    }

    private func matches(_ name: String, asking: String) async throws(FlowMateError) -> [FlowMateUser] {
        // Where a gateway drops the query, the whole list comes.
        try await users(UserFilter(usernames: [asking])).content.filter { $0.isNamed(name) }
    }

    /// Which of the documented paths of the user list answer. For a message to the operator: the path itself is a
    /// setting, and is never changed by a guess.
    package func answeringUserPaths() async -> [String] {
        var answering: [String] = []
        for path in FlowMateSettings.Paths.knownUsers where path != settings.paths.users {
            let filter = UserFilter(usernames: ["sluice-path-check"])
            if (try? await users(filter, path: path)) != nil { answering.append(path) }
        }
        return answering
    }

    private func users(
        _ filter: UserFilter, path: String
    ) async throws(FlowMateError) -> FlowMateAnswer<[FlowMateUser]> {
        let action = filter == UserFilter() ? "list users" : "find users"
        // A malformed ID is answered with 500, which looks like trouble that passes.
        if let wrong = filter.ids.first(where: { !FlowMateWebhook.isFlowID($0) }) {
            throw .input(action, "'\(wrong)' is no FlowMate user ID, which has 24 hex digits; is it a user name?")
        }
        let query = filter.usernames.map { ("username", $0) } + filter.ids.map { ("userId", $0) }
        // One at a time: of a key that comes twice, many servers see the last one only.
        guard query.count <= 1 else {
            var found: [FlowMateUser] = []
            var documents: [Value] = []
            let single = filter.usernames.map { UserFilter(usernames: [$0]) } + filter.ids.map { UserFilter(ids: [$0]) }
            for filter in single {
                let answer = try await users(filter, path: path)
                for (user, document) in zip(answer.content, answer.json.list ?? []) {
                    guard !found.contains(where: { $0.id == user.id }) else { continue }
                    found.append(user)
                    documents.append(document)
                }
            }
            return FlowMateAnswer(found, json: .list(documents))
        }
        let call = FlowMateCall(path: path, query: query, action: action)
        let json = try await answer(call)
        guard let documents = Self.documents(json) else { throw unreadable(call) }
        let users = documents.compactMap(FlowMateUser.init)
        guard users.count == documents.count else { throw unreadable(call) }
        return FlowMateAnswer(users, json: .list(documents))
    }

    /// A bare list, `{"data": […]}`, or one user.
    private static func documents(_ json: Value) -> [Value]? {
        if let list = json.list ?? json["data"]?.list { return list }
        if let single = json["data"], single.fields != nil { return [single] }
        return json["username"] == nil ? nil : [json]
    }
}
