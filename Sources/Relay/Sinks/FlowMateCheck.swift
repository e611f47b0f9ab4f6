import FlowMate

/// `doctor` for a FlowMate destination.
struct FlowMateCheck: Sendable {
    let name: String
    let client: FlowMateClient

    func run(_ flows: [DestinationCheck.Flow], listsUsers: Bool = false) async -> [CheckResult] {
        guard client.settings.credential != nil else {
            return [
                CheckResult(
                    .warning, "destination \(name): token", "there is none, so the state of flows cannot be read",
                    advice: "Add auth with a bearer token that may list flows.")
            ]
        }
        do {
            let count = try await client.countFlows()
            var results = [CheckResult(.ok, "destination \(name): token", "works; it sees \(count) flows")]
            if listsUsers { results.append(await users()) }
            for flow in flows { results.append(await check(flow.id)) }
            return results
        } catch {
            return [CheckResult(.failure, "destination \(name): token", error.description, advice: advice(error))]
        }
    }

    /// What `fanOut` needs: only administrators may list users.
    private func users() async -> CheckResult {
        let subject = "destination \(name): users"
        do {
            let users = try await client.users().content
            let active = users.count { $0.isActive }
            return CheckResult(
                active == 0 ? .warning : .ok, subject, "\(users.count) users, \(active) of them active",
                advice: active == 0 ? "fanOut finds flows of active users only." : "")
        } catch {
            return CheckResult(.failure, subject, error.description, advice: await advice(users: error))
        }
    }

    /// The path is a setting; it is told which one answers, and never changed by a guess.
    private func advice(users error: FlowMateError) async -> String {
        guard error.status == 404 else { return "fanOut needs a token that may list users." }
        if let found = await client.answeringUserPaths().first {
            return "The list answers at \(found): set paths: {users: \(found)} of the destination."
        }
        let known = FlowMateSettings.Paths.knownUsers.joined(separator: ", ")
        return "Set paths: {users: …} of the destination; documents name \(known)."
    }

    private func check(_ id: String) async -> CheckResult {
        let subject = "destination \(name): flow \(id)"
        guard FlowMateWebhook.isFlowID(id) else {
            return CheckResult(
                .failure, subject, "is no flow ID", advice: "Copy the 24 hex digits from FlowMate into the rule.")
        }
        do {
            guard let flow = try await client.flow(id) else {
                return CheckResult(.failure, subject, "does not exist", advice: "Correct the flow ID in the rule.")
            }
            return await judge(flow, subject)
        } catch {
            return CheckResult(.failure, subject, error.description, advice: advice(error))
        }
    }

    private func judge(_ flow: FlowMateFlow, _ subject: String) async -> CheckResult {
        if flow.isScheduled {
            return CheckResult(
                .failure, subject, "'\(flow.name)' is scheduled, so it has no webhook",
                advice: "Make the flow webhook-driven, or name another one.")
        }
        guard flow.status == "active" else {
            return CheckResult(
                .warning, subject, "'\(flow.name)' is \(flow.status): deliveries wait for it",
                advice: "Start the flow in FlowMate.")
        }
        guard flow.hasFirstNode else {
            return CheckResult(
                .failure, subject, "'\(flow.name)' has no first step, so its webhook cannot run",
                advice: "Connect the flow's steps in FlowMate.")
        }
        // Asked by HEAD, which runs nothing. A gateway may not let it pass: that says nothing.
        if (try? await client.probeWebhook(flow: flow.id)) == .absent {
            return CheckResult(
                .warning, subject, "'\(flow.name)' is active, and its webhook does not answer",
                advice: "Is it only starting? Or set paths: {webhooks: …}; the open source has it at /hook.")
        }
        return CheckResult(.ok, subject, "'\(flow.name)' is active, and takes \(Self.taken(by: flow))")
    }

    private static func taken(by flow: FlowMateFlow) -> String {
        let names = (flow.contract?.inputs ?? []).map { "\($0.name) (\($0.type))" }
        return names.isEmpty ? "what it is given: it names no parameters" : names.joined(separator: ", ")
    }

    private func advice(_ error: FlowMateError) -> String {
        if case .transport(let transport) = error.cause { return DestinationCheck.advice(transport.kind) }
        if case .unreadable = error.cause { return "FlowMate's is https://api.platform.openintegrationhub.com." }
        return switch error.status {
        case 401: "Is the token right and still valid? FlowMate also answers so while its identity service is down."
        case 403: "The token lacks the permission flows.read."
        case 404: "Is baseUrl right? FlowMate's is https://api.platform.openintegrationhub.com."
        default: "Try again later; if it stays, ask FlowMate."
        }
    }
}
