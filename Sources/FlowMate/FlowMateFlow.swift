/// A flow as `GET /flows` and `GET /flows/{id}` show it; only what a relay looks at.
package struct FlowMateFlow: Sendable, Equatable, Decodable {
    package var id: String
    package var name: String
    /// `active`, `inactive`, `starting` or `stopping`; others may come.
    package var status: String
    /// Set on scheduled flows, which have no webhook.
    package var cron: String?
    package var updatedAt: String?

    package init(id: String, name: String = "", status: String, cron: String? = nil, updatedAt: String? = nil) {
        self.id = id
        self.name = name
        self.status = status
        self.cron = cron
        self.updatedAt = updatedAt
    }

    private enum Key: String, CodingKey { case id, _id, name, status, cron, updatedAt }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        id = try fields.decodeIfPresent(String.self, forKey: .id) ?? fields.decode(String.self, forKey: ._id)
        name = (try? fields.decodeIfPresent(String.self, forKey: .name)) ?? ""
        status = try fields.decode(String.self, forKey: .status)
        cron = try? fields.decodeIfPresent(String.self, forKey: .cron)
        updatedAt = try? fields.decodeIfPresent(String.self, forKey: .updatedAt)
    }

    /// Scheduled flows have a non-empty `cron`.
    package var isScheduled: Bool { !(cron ?? "").isEmpty }
}
