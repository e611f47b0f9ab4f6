import Events

/// A user of a FlowMate tenant. Has two IDs, and which call wants which is easily confused.
package struct FlowMateUser: Sendable, Equatable {
    /// FlowMate's own: what stands in a flow's `owners` and in `filter[user]`.
    package var id: String
    /// The one that *your* system gave to FlowMate; FlowMate keeps it in lower case.
    package var username: String
    /// `ACTIVE`, `PENDING` or `DISABLED`; others may come. Nil where FlowMate does not tell.
    package var status: String?
    package var tenant: String?
    package var canLogin: Bool?
    package var createdAt: String?

    package init(
        id: String, username: String, status: String? = "ACTIVE", tenant: String? = nil, canLogin: Bool? = nil,
        createdAt: String? = nil
    ) {
        self.id = id
        self.username = username
        self.status = status
        self.tenant = tenant
        self.canLogin = canLogin
        self.createdAt = createdAt
    }

    /// Nil without an ID or user name.
    package init?(_ json: Value) {
        guard let id = json["_id"]?.text ?? json["id"]?.text, let username = json["username"]?.text else { return nil }
        self.init(
            id: id, username: username, status: json["status"]?.text, tenant: json["tenant"]?.text,
            canLogin: json["canLogin"]?.flag, createdAt: json["createdAt"]?.text)
    }

    package var isActive: Bool { status?.uppercased() == "ACTIVE" }

    /// User names are compared without regard to case.
    package func isNamed(_ name: String) -> Bool { username.lowercased() == name.lowercased() }
}
