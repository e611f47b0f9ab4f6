import Events
import Store

/// Questions about cursors: `cursor.list`, `cursor.preview`, `cursor.set`, `cursor.save`, `cursor.forget`,
/// `cursor.export`, `cursor.importPreview`, `cursor.import`.
package enum CursorRoutes {
    /// - Parameters:
    ///   - outbox: nil while no daemon runs.
    ///   - topics: of the daemon; without it, a daemon refuses to move cursors.
    ///   - start: what the configuration says that a topic without a cursor starts with; nil for a topic it does not
    /// name.
    package static func make(
        store: Store, orgs: ReplayOrgs, outbox: Outbox?, topics: TopicSwitch?,
        start: @escaping @Sendable (Cursor.Key) -> String?, time: TimeSource = .system
    ) -> [ControlRoute] {
        let planner = CursorMovePlanner(store: store, orgs: orgs, time: time, start: start)
        let desk = CursorDesk(store: store, outbox: outbox, topics: topics, planner: planner, time: time)
        return [
            ControlRoute("cursor.list") { (_: CursorListRequest) async throws(ControlError) in try await desk.list() },
            ControlRoute("cursor.preview") { (request: CursorMoveRequest) async throws(ControlError) in
                try await desk.preview(request)
            },
            ControlRoute("cursor.set", isChange: true) { (request: CursorMoveRequest) async throws(ControlError) in
                try await desk.perform([desk.preview(request)])[0]
            },
            ControlRoute("cursor.save", isChange: true) { (request: CursorSaveRequest) async throws(ControlError) in
                try await desk.save(request)
            },
            ControlRoute("cursor.forget", isChange: true) { (request: CursorSaveRequest) async throws(ControlError) in
                try await desk.forget(request.name)
            },
            ControlRoute("cursor.export") { (_: CursorListRequest) async throws(ControlError) in
                try await desk.export()
            },
            ControlRoute("cursor.importPreview") { (document: CursorDocument) async throws(ControlError) in
                try await desk.moves(document)
            },
            ControlRoute("cursor.import", isChange: true) { (document: CursorDocument) async throws(ControlError) in
                try await desk.perform(desk.moves(document))
            },
        ]
    }
}

package struct CursorListRequest: Sendable, Codable {
    package init() {}
}

package struct CursorMoveRequest: Sendable, Codable {
    /// Not needed where only one org has the topic.
    package var org: String?
    /// Or its last part.
    package var topic: String
    package var target: CursorTarget

    package init(org: String?, topic: String, target: CursorTarget) {
        self.org = org
        self.topic = topic
        self.target = target
    }
}

package struct CursorSaveRequest: Sendable, Codable {
    package var name: String
    /// Topics, or their last parts; empty means all.
    package var topics: [String]

    package init(name: String, topics: [String] = []) {
        self.name = name
        self.topics = topics
    }
}

/// A cursor outside the store, as files hold it; times are RFC 3339.
package struct CursorLine: Sendable, Codable, Equatable {
    package var org: String
    package var topic: String
    package var orgId: String
    package var instanceUrl: String
    /// Base64.
    package var replayId: String
    package var commitTime: String?
    package var updatedAt: String

    init(_ cursor: Cursor) {
        org = cursor.key.org
        topic = cursor.key.topic
        orgId = cursor.orgID
        instanceUrl = cursor.instanceURL
        replayId = cursor.replayID.description
        commitTime = cursor.commitTime.map(Timestamp.rfc3339)
        updatedAt = Timestamp.rfc3339(cursor.updatedAt)
    }

    func cursor() throws(ControlError) -> Cursor {
        guard let id = ReplayID(base64: replayId), !org.isEmpty, !topic.isEmpty, !orgId.isEmpty,
            let updated = ReplayTime.parse(updatedAt)
        else {
            throw ControlError(
                .badInput, "the cursor of '\(topic)' in the file is not complete, or its replayId is not base64.")
        }
        return Cursor(
            key: Cursor.Key(org: org, topic: topic), orgID: orgId, instanceURL: instanceUrl, replayID: id,
            commitTime: commitTime.flatMap(ReplayTime.parse), updatedAt: updated)
    }
}

/// What `cursor export` writes and `cursor import` reads.
package struct CursorDocument: Sendable, Codable {
    package var sluiceCursors = 1
    package var cursors: [CursorLine]
}

package struct CursorList: Sendable, Codable {
    package struct Saved: Sendable, Codable {
        package var name: String
        package var cursor: CursorLine
    }

    package var cursors: [CursorLine]
    package var saved: [Saved]
}

/// What `cursor set` did.
package struct CursorMoved: Sendable, Codable {
    package var move: CursorMove
    /// The stream goes on from there already; otherwise it starts there with the next relay.
    package var isLive: Bool
}

package struct CursorSaved: Sendable, Codable {
    package var name: String
    /// Topics that are in it, or were.
    package var count: Int
}
