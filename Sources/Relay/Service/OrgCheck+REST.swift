import Events
import Salesforce
import SalesforceREST
import Settings

extension OrgCheck {
    /// Above this share of a limit somebody should know.
    static let nearLimit = 0.8
    /// Clocks that differ by more make signatures and statements wrong.
    static let clockSkew: Int64 = 30_000

    /// API version, clock, limits, what channels carry, and managed subscriptions.
    func restChecks(_ rest: RESTClient, _ userID: String?) async -> [CheckResult] {
        var results = await version(rest)
        results += await limits(rest)
        for topic in configuration.topics { results += await contents(topic, rest, userID) }
        return results
    }

    private func version(_ rest: RESTClient) async -> [CheckResult] {
        do throws(RESTError) {
            let answer = try await rest.send(RESTCall(.get, "/services/data", action: "read the API versions"))
            let versions = (try answer.json().versionNumbers)
            let wanted = rest.options.version
            var results: [CheckResult] = []
            if versions.contains(wanted) {
                results.append(CheckResult(.ok, subject("API version"), "\(wanted); the org has up to \(versions.last ?? wanted)"))
            } else {
                results.append(
                    CheckResult(
                        .failure, subject("API version"), "the org does not serve \(wanted)",
                        advice: "Write rest.apiVersion: \"\(versions.last ?? wanted)\"."))
            }
            if let date = answer.header("Date").flatMap(Salesforce.HTTPDate.milliseconds) { results.append(clock(date, rest)) }
            return results
        } catch {
            return [failure("REST API", error)]
        }
    }

    private func clock(_ date: Int64, _ rest: RESTClient) -> CheckResult {
        let skew = now - date
        guard abs(skew) > Self.clockSkew else { return CheckResult(.ok, subject("clock"), "agrees with Salesforce's") }
        return CheckResult(
            .warning, subject("clock"), "this machine is \(abs(skew) / 1000) s \(skew > 0 ? "ahead of" : "behind") Salesforce",
            advice: "Let it keep time by NTP: JWTs are refused, and records of gap events are read at the wrong moment.")
    }

    private func limits(_ rest: RESTClient) async -> [CheckResult] {
        let names = ["DailyApiRequests", "DailyDeliveredPlatformEvents", "HourlyPublishedPlatformEvents"]
        do throws(RESTError) {
            let limits = try await rest.limits()
            return names.compactMap { name in limits.first { $0.name == name } }.map { limit in
                let text = "\(limit.used) of \(limit.maximum) used"
                let isNear = Double(limit.used) > Double(limit.maximum) * Self.nearLimit
                return CheckResult(
                    isNear ? .warning : .ok, subject("limit \(limit.name)"), text,
                    advice: isNear ? "Setup > System Overview shows who uses it; it is a rolling 24 hours (or one)." : "")
            }
        } catch {
            return [CheckResult(.warning, subject("limits"), "\(error)", advice: ChannelContents.advice(error))]
        }
    }

    private func contents(_ topic: TopicConfiguration, _ rest: RESTClient, _ userID: String?) async -> [CheckResult] {
        var results: [CheckResult] = []
        if ChannelContents.isChannel(topic.name) {
            let contents = await ChannelReader(rest).contents(of: topic.name, userID: userID)
            var result = judged(contents, topic.name)
            if contents.doubt.isEmpty, !contents.carried.isEmpty {
                result.carried[topic.name] = contents.carried.filter { !contents.withheld.contains($0) }
            }
            results.append(result)
        } else if let entity = EntityTopic.entity(of: topic.name) {
            results += await selected(entity, topic.name, rest)
        }
        if let managed = topic.managed { results.append(await self.managed(managed, topic.name, rest)) }
        return results
    }

    private func judged(_ contents: ChannelContents, _ topic: String) -> CheckResult {
        let what = subject("contents of \(topic)")
        if !contents.withheld.isEmpty {
            return CheckResult(
                .warning, what,
                "nothing will come of \(contents.withheld.joined(separator: ", ")): the user may not see all of their records",
                advice: ChannelContents.withheldAdvice)
        }
        if !contents.doubt.isEmpty {
            return CheckResult(.warning, what, contents.doubt, advice: contents.doubtAdvice)
        }
        guard !contents.carried.isEmpty else {
            return CheckResult(
                .warning, what, "it carries nothing", advice: "Select objects in Setup > Change Data Capture.")
        }
        return CheckResult(.ok, what, contents.carried.joined(separator: ", "))
    }

    /// Without Setup to look into, the subscription itself will tell.
    private func selected(_ entity: String, _ topic: String, _ rest: RESTClient) async -> [CheckResult] {
        let event = String(topic.dropFirst("/data/".count))
        guard let isSelected = try? await ChannelMembers(rest).isSelected(event) else { return [] }
        guard !isSelected else {
            return [CheckResult(.ok, subject("selection of \(entity)"), "selected for Change Data Capture")]
        }
        return [
            CheckResult(
                .warning, subject("selection of \(entity)"), "it is not selected for Change Data Capture",
                advice: "Select it in Setup > Change Data Capture, or nothing will come on \(topic).")
        ]
    }

    private func managed(_ name: String, _ topic: String, _ rest: RESTClient) async -> CheckResult {
        let what = subject("managed subscription \(name)")
        let field = if case .id = ManagedSubscription(name) { "Id" } else { "DeveloperName" }
        let query = "SELECT Id, DeveloperName, Metadata FROM ManagedEventSubscription WHERE \(field) = \(SOQL.quoted(name))"
        do throws(RESTError) {
            guard let record = try await rest.records(query, kind: .tooling).first else {
                return CheckResult(
                    .failure, what, "the org has none of that name",
                    advice: "Deploy a ManagedEventSubscription, or correct `managed` of \(topic).")
            }
            guard case .record(let metadata)? = record["Metadata"] else { return CheckResult(.ok, what, "exists") }
            if case .string(let state)? = metadata["state"], state != "RUN" {
                return CheckResult(.failure, what, "its state is \(state)", advice: "Set it to RUN in its metadata.")
            }
            if case .string(let other)? = metadata["topicName"], other != topic {
                return CheckResult(
                    .failure, what, "it is of the topic \(other), not of \(topic)", advice: "Correct the topic's name.")
            }
            if case .string("LATEST")? = metadata["errorRecoveryReplay"] {
                return CheckResult(
                    .warning, what, "exists, state RUN; its errorRecoveryReplay is LATEST",
                    advice: "Set it to EARLIEST: after a break of more than 72 hours, LATEST skips what is still there.")
            }
            return CheckResult(.ok, what, "exists, state RUN")
        } catch {
            return CheckResult(.warning, what, "\(error)", advice: ChannelContents.advice(error))
        }
    }

    private func failure(_ what: String, _ error: RESTError) -> CheckResult {
        CheckResult(.failure, subject(what), "\(error)", advice: error.fix)
    }
}

extension Value {
    /// Of the answer to `/services/data`, oldest first.
    fileprivate var versionNumbers: [String] {
        guard case .list(let versions) = self else { return [] }
        return versions.compactMap { version in
            guard case .record(let fields) = version, case .string(let number)? = fields["version"] else { return nil }
            return number
        }
    }
}
