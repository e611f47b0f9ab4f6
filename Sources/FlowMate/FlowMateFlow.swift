import Events

/// A flow as `GET /flows` and `GET /flows/{id}` show it; only what a relay looks at.
package struct FlowMateFlow: Sendable, Equatable {
    package struct Owner: Sendable, Hashable {
        package var id: String
        /// `user` or `tenant`, in whichever case.
        package var type: String

        package init(id: String, type: String) {
            self.id = id
            self.type = type
        }

        package var isUser: Bool { type.lowercased() == "user" }
    }

    package var id: String
    package var name: String
    /// `active`, `inactive`, `starting` or `stopping`; others may come.
    package var status: String
    /// Set on scheduled flows, which have no webhook.
    package var cron: String?
    package var updatedAt: String?
    package var owners: [Owner]
    package var tenant: String?
    /// The template it was made from.
    package var template: String?
    /// Without one its webhook cannot run.
    package var hasFirstNode: Bool
    /// What the flow says it takes and gives; nil when it says nothing.
    package var contract: FlowContract?

    package init(
        id: String, name: String = "", status: String, cron: String? = nil, updatedAt: String? = nil,
        owners: [Owner] = [], tenant: String? = nil, template: String? = nil, hasFirstNode: Bool = false,
        contract: FlowContract? = nil
    ) {
        self.id = id
        self.name = name
        self.status = status
        self.cron = cron
        self.updatedAt = updatedAt
        self.owners = owners
        self.tenant = tenant
        self.template = template
        self.hasFirstNode = hasFirstNode
        self.contract = contract
    }

    /// Nil without ID or status.
    package init?(_ json: Value) {
        guard let id = json.documentID, let status = json["status"]?.text else { return nil }
        let owners = (json["owners"]?.list ?? []).compactMap { owner in
            owner.documentID.map { Owner(id: $0, type: owner["type"]?.text ?? "") }
        }
        self.init(
            id: id, name: json["name"]?.text ?? "", status: status, cron: json["cron"]?.text,
            updatedAt: json["updatedAt"]?.text, owners: owners, tenant: json["tenant"]?.text,
            template: json["fromTemplate"]?.text, hasFirstNode: FlowGraph.firstNode(of: json) != nil,
            contract: FlowContract(flow: json))
    }

    /// Scheduled flows have a non-empty `cron`.
    package var isScheduled: Bool { !(cron ?? "").isEmpty }
}
