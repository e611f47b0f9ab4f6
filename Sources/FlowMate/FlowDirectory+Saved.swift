import Events

/// The directory as JSON, for the store: after a restart events find their flows before the first scan ends.
extension FlowDirectory {
    /// Raised when the form changes; other versions are not read.
    private static let savedVersion: Int64 = 1

    /// What a scan showed. Counts of missing scans and times are not kept: a restart begins them anew.
    package var saved: [UInt8] {
        var json = JSONText()
        json.value(
            .record([
                "version": .int(Self.savedVersion), "users": .list(allUsers.map(\.saved)),
                "flows": .list(allFlows.map(\.saved)),
            ]))
        return json.bytes
    }

    /// - Returns: nil when the text is not a saved directory of this version; the next scan then fills a new one.
    package init?(saved: [UInt8], settings: Settings = Settings()) {
        guard let json = try? JSONReader.parse(saved), json["version"]?.integer == Self.savedVersion,
            let users = json["users"]?.list, let flows = json["flows"]?.list
        else { return nil }
        self.init(settings: settings)
        restore(users: users.compactMap(FlowMateUser.init), flows: flows.compactMap(FlowMateFlow.init(saved:)))
    }
}

extension FlowMateUser {
    fileprivate var saved: Value {
        var fields: Fields = ["id": .string(id), "username": .string(username)]
        fields["status"] = status.map(Value.string)
        fields["tenant"] = tenant.map(Value.string)
        return .record(fields)
    }
}

extension FlowMateFlow {
    fileprivate var saved: Value {
        var fields: Fields = [
            "id": .string(id), "name": .string(name), "status": .string(status), "hasFirstNode": .bool(hasFirstNode),
            "owners": .list(owners.map { .record(["id": .string($0.id), "type": .string($0.type)]) }),
        ]
        fields["cron"] = cron.map(Value.string)
        fields["updatedAt"] = updatedAt.map(Value.string)
        fields["tenant"] = tenant.map(Value.string)
        fields["fromTemplate"] = template.map(Value.string)
        // In the form in which a flow itself carries it.
        fields["payload"] = contract.map { contract in
            .record([
                "inputParameters": Self.parameters(contract.inputs),
                "outputParameters": Self.parameters(contract.outputs),
            ])
        }
        return .record(fields)
    }

    fileprivate init?(saved: Value) {
        self.init(saved)
        hasFirstNode = saved["hasFirstNode"]?.flag ?? false
    }

    private static func parameters(_ list: [FlowContract.Parameter]) -> Value {
        .record(Fields(list.map { Fields.Field(name: $0.name, value: .string($0.type)) }))
    }
}
