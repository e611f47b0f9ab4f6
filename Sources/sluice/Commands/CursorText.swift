import Relay

/// Cursors for people.
enum CursorText {
    static func list(_ list: CursorList) -> String {
        guard !list.cursors.isEmpty || !list.saved.isEmpty else { return "No topic has been relayed yet.\n" }
        var table = Table(["ORG", "TOPIC", "REPLAY ID", "LAST COMMIT", "UPDATED"])
        for cursor in list.cursors {
            table.add([cursor.org, cursor.topic, cursor.replayId, cursor.commitTime ?? "-", cursor.updatedAt])
        }
        var text = table.text
        guard !list.saved.isEmpty else { return text }
        table = Table(["SAVED AS", "ORG", "TOPIC", "REPLAY ID", "LAST COMMIT", "SAVED"])
        for saved in list.saved {
            let cursor = saved.cursor
            table.add([
                saved.name, cursor.org, cursor.topic, cursor.replayId, cursor.commitTime ?? "-", cursor.updatedAt,
            ])
        }
        text += "\n" + table.text
        return text
    }

    static func one(_ cursor: CursorLine) -> String {
        """
        \(cursor.topic) of \(cursor.org)
          replay ID    \(cursor.replayId)
          last commit  \(cursor.commitTime ?? "-")
          updated      \(cursor.updatedAt)
          org          \(cursor.orgId) at \(cursor.instanceUrl)

        """
    }

    static func move(_ move: CursorMove) -> String {
        """
        \(move.topic) of \(move.org): from \(move.from ?? "no cursor") to \(move.to ?? "no cursor").
        \(move.statement)
        """
    }

    static func moved(_ moved: CursorMoved) -> String {
        let how = moved.isLive ? "the stream goes on from there" : "the next start of the topic goes on from there"
        return "\(moved.move.topic): moved; \(how).\n"
    }
}
