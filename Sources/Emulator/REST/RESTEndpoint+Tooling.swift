import Events

/// `/tooling/query`: what the channels carry, and managed subscriptions.
///
/// As in a real org, a member names its channel and a custom entity by their IDs; the names stand in `Metadata`.
extension RESTEndpoint {
    func tooling(_ text: String) throws(Refusal) -> HTTPAnswer {
        let asked = try Self.parsed(text)
        switch asked.entity {
        case "PlatformEventChannel":
            let rows = org.channels.all.filter { !$0.isStandard }.map(Self.row)
            return try Self.metadata(asked, rows, ["ChannelType", "MasterLabel"])
        case "PlatformEventChannelMember":
            let rows = org.channels.all.flatMap { channel in channel.members.map { Self.row($0, of: channel) } }
            return try Self.metadata(asked, rows, ["EventChannel", "SelectedEntity", "FilterExpression"])
        case "ManagedEventSubscription": return try Self.metadata(asked, org.managed.all.map(Self.row), ["MasterLabel"])
        default:
            throw Refusal(
                status: 400, code: "INVALID_TYPE", message: "sObject type '\(asked.entity)' is not supported.")
        }
    }

    private static let large: Set<String> = ["metadata", "fullname"]

    /// Metadata and FullName are given of one row only.
    private static func metadata(
        _ asked: SOQLQuery, _ rows: [RecordTable.Record], _ own: [String]
    ) throws(Refusal) -> HTTPAnswer {
        let fields =
            [RESTField(name: "Id", type: "id", source: .id)]
            + (["DeveloperName"] + own + ["FullName", "Metadata"]).map {
                RESTField(name: $0, type: "string", source: .field($0))
            }
        let found = try matches(asked, rows, fields)
        guard found.rows.count <= 1 || !asked.fields.contains(where: { large.contains($0.lowercased()) }) else {
            throw Refusal(
                status: 400, code: "MALFORMED_QUERY",
                message: "When retrieving results with Metadata or FullName fields, the query qualifications must "
                    + "specify no more than one row for retrieval. Result size: \(found.rows.count)")
        }
        return records(found, asked)
    }

    private static func row(_ channel: OrgChannels.Channel) -> RecordTable.Record {
        let kind = channel.kind == .change ? "data" : "event"
        return row(
            channel.id, channel.developerName, fullName: channel.name,
            ["ChannelType": .string(kind), "MasterLabel": .string(channel.developerName)],
            metadata: ["channelType": .string(kind), "label": .string(channel.developerName)])
    }

    private static func row(_ member: OrgChannels.Member, of channel: OrgChannels.Channel) -> RecordTable.Record {
        let event = member.schema.name
        let name = "\(channel.name)_\(event)".replacing("__", with: "_")
        return row(
            member.id, name, fullName: name,
            [
                "EventChannel": .string(channel.isStandard ? channel.name : channel.id),
                "SelectedEntity": .string(event.contains("__") ? member.schema.entityID : event),
                "FilterExpression": .null,
            ],
            metadata: [
                "eventChannel": .string(channel.name), "selectedEntity": .string(event), "filterExpression": .null,
                "enrichedFields": .list([]),
            ])
    }

    private static func row(_ managed: ManagedEventSubscription) -> RecordTable.Record {
        row(
            managed.id, managed.developerName, fullName: managed.developerName,
            ["MasterLabel": .string(managed.developerName)],
            metadata: [
                "topicName": .string(managed.topic), "label": .string(managed.developerName),
                "defaultReplay": .string(managed.defaultReplay.rawValue),
                "errorRecoveryReplay": .string(managed.errorRecoveryReplay.rawValue),
                "state": .string(managed.state.rawValue), "version": .double(62),
            ])
    }

    private static func row(
        _ id: String, _ name: String, fullName: String, _ fields: Fields, metadata: Fields
    ) -> RecordTable.Record {
        var row = RecordTable.Record(id: id, fields: fields, createdAt: 0, modifiedAt: 0)
        row.fields["DeveloperName"] = .string(name)
        row.fields["FullName"] = .string(fullName)
        row.fields["Metadata"] = .record(metadata)
        return row
    }
}

extension EmulatedSchema {
    /// Of a custom object or platform event, as the Tooling API knows it.
    fileprivate var entityID: String {
        let number = SalesforceSchemas.all.firstIndex { $0.name == name } ?? 0
        return SalesforceID.make(prefix: "01I", number: UInt64(number) + 1)
    }
}
