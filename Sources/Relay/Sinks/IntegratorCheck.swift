import IntegratorIO
import Rules

/// `doctor` for an integrator.io destination: token, flows, their sources, listeners.
struct IntegratorCheck: Sendable {
    let name: String
    let client: IntegratorClient

    func run(_ flows: [DestinationCheck.Flow]) async -> [CheckResult] {
        let subject = "destination \(name): API token"
        guard client.settings.credential != nil else {
            return [
                CheckResult(
                    .failure, subject, "there is none", advice: "Add auth with a bearer token to the destination.")
            ]
        }
        do {
            let token = try await client.tokenInfo()
            var results = [CheckResult(.ok, subject, token.scope.isEmpty ? "works" : "works, scope \(token.scope)")]
            for flow in flows { results += await check(flow) }
            return results
        } catch {
            return [failure(subject, error)]
        }
    }

    /// - Parameter stated: what the rule file says of the listener.
    func listener(_ listener: String, _ stated: ListenerActivation.Stated) async -> [CheckResult] {
        let subject = "destination \(name): listener \(listener)"
        do {
            let activation = try await ListenerActivation(client, stated)
            guard activation.problems.isEmpty else {
                return activation.problems.map { CheckResult(.failure, subject, "\($0)", advice: $0.advice) }
            }
            return [CheckResult(.ok, subject, "'\(activation.name)' is a webhook listener")]
        } catch {
            return [failure(subject, error)]
        }
    }

    // MARK: Flows

    private func check(_ wanted: DestinationCheck.Flow) async -> [CheckResult] {
        let subject = "destination \(name): flow \(wanted.id)"
        do {
            let flow = try await client.flow(wanted.id)
            if let obstacle = flow.obstacle {
                return [CheckResult(.failure, subject, obstacle, advice: "No run starts until then; claims are kept.")]
            }
            let strangers = wanted.exports.filter { !flow.exports.contains($0) }
            guard strangers.isEmpty else {
                return [
                    CheckResult(
                        .failure, subject, "has no source \(strangers.joined(separator: ", "))",
                        advice: "Correct exports in the rule.")
                ]
            }
            var results = [CheckResult(.ok, subject, "'\(flow.name)' is enabled")]
            for export in wanted.exports.isEmpty ? flow.exports : wanted.exports {
                results += await source(export, of: subject)
            }
            return results
        } catch {
            return [failure(subject, error)]
        }
    }

    private func source(_ id: String, of flow: String) async -> [CheckResult] {
        let subject = "\(flow), export \(id)"
        do {
            let export = try await client.export(id)
            var results = [judge(export, subject)]
            if let connection = export.connection { results += await check(connection: connection, subject) }
            return results
        } catch {
            return [failure(subject, error)]
        }
    }

    private func judge(_ export: IntegratorExport, _ subject: String) -> CheckResult {
        if export.isListener || export.type == "distributed" {
            return CheckResult(
                .failure, subject, "is a listener, which cannot be run on demand",
                advice: "Post to it (listener), or name another source in exports.")
        }
        guard export.honoursWindow else {
            return CheckResult(
                .warning, subject, "ignores the date window: every run exports everything",
                advice: "Make it a delta export, or use lastExportDateTime in its query.")
        }
        return CheckResult(.ok, subject, "'\(export.name)' exports by date window")
    }

    private func check(connection id: String, _ subject: String) async -> [CheckResult] {
        do {
            let connection = try await client.connection(id)
            guard connection.offline else { return [] }
            return [
                CheckResult(
                    .warning, "\(subject), connection \(id)", "'\(connection.name)' is offline: runs stay queued",
                    advice: "Mend the connection in integrator.io; queued runs then go on by themselves.")
            ]
        } catch {
            return [failure("\(subject), connection \(id)", error)]
        }
    }

    private func failure(_ subject: String, _ error: IntegratorFailure) -> CheckResult {
        if case .transport(let transport) = error.cause {
            return CheckResult(.failure, subject, error.description, advice: DestinationCheck.advice(transport.kind))
        }
        if case .unreadable = error.cause {
            let advice = "NA is https://api.integrator.io, EU https://api.eu.integrator.io."
            return CheckResult(.failure, subject, error.description, advice: advice)
        }
        let advice =
            switch error.kind {
            case .credential:
                "Is the token right, not purged, and of this region? NA is api.integrator.io, EU api.eu.integrator.io."
            case .scope: "The token's scope is too narrow; running flows needs full access."
            case .missing: "Correct the ID, or the token belongs to another account or environment."
            case .rateLimited: "The account makes too many calls; try again later."
            case .retry, .unknown, .busy, .invalid, .configuration: "Try again later; if it stays, ask Celigo."
            }
        return CheckResult(.failure, subject, error.description, advice: advice)
    }
}

extension Destination.Listener {
    /// What its export must agree with; nil when the export is not named.
    var stated: ListenerActivation.Stated? {
        export.map { ListenerActivation.Stated(export: $0, records: records ?? "", verification: verification) }
    }

    /// In integrator.io's words.
    private var verification: String {
        if sign != nil { return "hmac" }
        return switch auth {
        case nil: "secret_url"
        case .basic: "basic"
        case .bearer, .header, .query, .body, .oauth2: "token"
        }
    }
}
