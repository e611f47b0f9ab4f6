import Events
import SalesforceREST

/// What is a member of which channel, by names.
///
/// Rows of the Tooling API name custom channels, custom objects and platform events by their IDs. The name of such a
/// member stands in its metadata, which is given of one row at a time.
package struct ChannelMembers: Sendable {
    /// Of metadata, for one question.
    static let maximumLookups = 200

    private let rest: RESTClient

    package init(_ rest: RESTClient) { self.rest = rest }

    /// Event names (`AccountChangeEvent`, `Order_Ready__e`), in alphabetical order.
    ///
    /// - Parameter channel: `ChangeEvents`, or a custom channel with its `__chn`.
    package func events(of channel: String) async throws(RESTError) -> [String] {
        let key = try await id(of: channel) ?? channel
        let rows = try await rest.records(
            "SELECT SelectedEntity, Id FROM PlatformEventChannelMember WHERE EventChannel = \(SOQL.quoted(key))",
            kind: .tooling)
        var names: Set<String> = []
        for (index, row) in rows.enumerated() {
            guard case .string(let entity)? = row["SelectedEntity"] else { continue }
            names.insert(index < Self.maximumLookups ? try await name(entity, row) : entity)
        }
        return names.sorted()
    }

    /// Nil for the standard channel, which has none, and for one that is not there.
    private func id(of channel: String) async throws(RESTError) -> String? {
        guard channel.hasSuffix("__chn") else { return nil }
        // `Orders__chn`, or `sfy24__Orders__chn` of a managed package.
        let name = channel.dropLast("__chn".count)
        let prefix = name.firstRange(of: "__").map { name[..<$0.lowerBound] }
        let stem = prefix.map { name.dropFirst($0.count + 2) } ?? name
        let found = try await rest.records(
            "SELECT Id FROM PlatformEventChannel WHERE DeveloperName = \(SOQL.quoted(String(stem)))"
                + (prefix.map { " AND NamespacePrefix = \(SOQL.quoted(String($0)))" } ?? ""), kind: .tooling)
        return found.first.map { $0.text("Id") }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// - Parameter event: `AccountChangeEvent`
    package func isSelected(_ event: String) async throws(RESTError) -> Bool {
        let named = try await rest.records(
            "SELECT EventChannel FROM PlatformEventChannelMember WHERE SelectedEntity = \(SOQL.quoted(event))",
            kind: .tooling)
        guard named.isEmpty, event.contains("__") else { return !named.isEmpty }
        let rows = try await rest.records(
            "SELECT SelectedEntity, Id, DeveloperName FROM PlatformEventChannelMember", kind: .tooling)
        // Developer names are made of channel and event, with single underscores: the likely ones come first.
        let ending = "_" + event.replacing("__", with: "_")
        let likely = rows.filter { $0.text("DeveloperName").hasSuffix(ending) }
        let others = rows.filter { !$0.text("DeveloperName").hasSuffix(ending) }
        for row in (likely + others).filter({ Self.isID($0.text("SelectedEntity")) }).prefix(Self.maximumLookups)
        where try await name(row.text("SelectedEntity"), row) == event { return true }
        return false
    }

    /// - Returns: what is already a name, or whose name is not told, as it is.
    private func name(_ entity: String, _ row: Fields) async throws(RESTError) -> String {
        guard Self.isID(entity), !row.text("Id").isEmpty else { return entity }
        let rows = try await rest.records(
            "SELECT Metadata FROM PlatformEventChannelMember WHERE Id = \(SOQL.quoted(row.text("Id")))", kind: .tooling)
        guard case .record(let metadata)? = rows.first?["Metadata"] else { return entity }
        return metadata.text("selectedEntity").isEmpty ? entity : metadata.text("selectedEntity")
    }

    private static func isID(_ text: String) -> Bool {
        text.hasPrefix("01I") && (text.utf8.count == 15 || text.utf8.count == 18) && !text.contains("_")
    }
}

extension Fields {
    /// Empty for what is no text.
    fileprivate func text(_ name: String) -> String {
        if case .string(let text)? = self[name] { text } else { "" }
    }
}
