import Events
import SalesforceREST

/// What a channel of several objects carries, and what of it this user is silently not given: Salesforce leaves out
/// objects whose records the user may not all see, without a word.
package struct ChannelContents: Sendable, Equatable {
    /// Objects (`Account`), or platform events (`Order_Ready__e`), in alphabetical order; empty if it could not be found out.
    package var carried: [String]
    /// Of these, those of which nothing comes.
    package var withheld: [String]
    /// Why that is not known, in plain words; empty if it is.
    package var doubt: String
    /// What would let it be known.
    var doubtAdvice = ChannelContents.needsSetup

    /// What would bring objects that are withheld.
    static let withheldAdvice =
        "Give the Run As user 'View All Records' on them ('View All Users' for User, 'View All Data' for Task and Event), by "
        + "a permission set. Salesforce leaves them out without an error."
    static let needsSetup = "Give the Run As user 'View Setup and Configuration', so that this can be checked."

    /// - Parameter error: of looking it up.
    static func advice(_ error: RESTError) -> String {
        error.isRetryable ? "Ask again when the REST API answers." : needsSetup
    }

    /// `/data/ChangeEvents`, or a custom channel. Other topics have one object, whose permission is checked when they are
    /// subscribed to.
    package static func isChannel(_ topic: String) -> Bool { topic == "/data/ChangeEvents" || topic.hasSuffix("__chn") }
}

/// Asks an org what its channels carry. Needs 'View Setup and Configuration'; without it, the answer is a doubt.
package struct ChannelReader: Sendable {
    /// Objects that have no 'View All Records' of their own.
    static let needViewAllData: Set<String> = ["Task", "Event", "EmailMessage"]

    private let rest: RESTClient

    package init(_ rest: RESTClient) { self.rest = rest }

    /// - Parameter userID: of the Run As user; nil if nobody told it.
    package func contents(of topic: String, userID: String?) async -> ChannelContents {
        let carried: [String]
        do throws(RESTError) {
            carried = try await members(of: topic)
        } catch {
            return ChannelContents(
                carried: [], withheld: [], doubt: "what it carries is not to be seen: \(error)",
                doubtAdvice: ChannelContents.advice(error))
        }
        guard topic.hasPrefix("/data/"), !carried.isEmpty else {
            return ChannelContents(carried: carried, withheld: [], doubt: "")
        }
        do throws(RESTError) {
            guard let userID else {
                return ChannelContents(carried: carried, withheld: [], doubt: "who signs in is not known")
            }
            return ChannelContents(carried: carried, withheld: try await withheld(carried, userID), doubt: "")
        } catch {
            return ChannelContents(
                carried: carried, withheld: [], doubt: "the user's permissions are not to be seen: \(error)",
                doubtAdvice: ChannelContents.advice(error))
        }
    }

    /// Members of `/data/ChangeEvents` are what is selected in Setup > Change Data Capture.
    package func members(of topic: String) async throws(RESTError) -> [String] {
        let channel = String(topic.split(separator: "/").last ?? "")
        let selected = try await ChannelMembers(rest).events(of: channel)
        return Set(selected.map { EntityTopic.entity(ofChangeEvent: $0) ?? $0 }).sorted()
    }

    private func withheld(_ objects: [String], _ userID: String) async throws(RESTError) -> [String] {
        let assigned = "SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = \(SOQL.quoted(userID))"
        let all = try await rest.records(
            "SELECT Id FROM PermissionSet WHERE PermissionsViewAllData = true AND Id IN (\(assigned)) LIMIT 1")
        guard all.isEmpty else { return [] }
        let users = objects.contains("User")
            ? try await rest.records(
                "SELECT Id FROM PermissionSet WHERE PermissionsViewAllUsers = true AND Id IN (\(assigned)) LIMIT 1") : []
        let seen = try await rest.records(
            "SELECT SobjectType FROM ObjectPermissions WHERE PermissionsViewAllRecords = true AND ParentId IN (\(assigned))")
        var visible = Set(
            seen.compactMap { row -> String? in
                if case .string(let name)? = row["SobjectType"] { name } else { nil }
            })
        if !users.isEmpty { visible.insert("User") }
        return objects.filter { Self.needViewAllData.contains($0) || !visible.contains($0) }
    }
}
