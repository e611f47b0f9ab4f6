/// What went wrong with the store, in words an operator can act on.
package struct StoreError: Error, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// Another process holds the store.
        case inUse
        case diskFull
        /// Locked by a reader or a backup for longer than the busy timeout.
        case busy
        case corrupt
        case cannotOpen
        case readOnly
        case inputOutput
        /// Its file was removed, renamed or replaced while it was open.
        case gone
        /// Written by a later version.
        case newer
        /// Written by an earlier version, and opened for looking only.
        case older
        case other
    }

    package var kind: Kind
    /// Continues "cannot": `open the store`, `commit 12 deliveries`.
    package var action: String
    package var path: String
    /// Extended SQLite result code; 0 when SQLite was not asked.
    package var sqliteCode: Int32
    /// SQLite's or the system's own words.
    package var reason: String
    package var underlying: (any Error)?

    package init(
        kind: Kind, action: String, path: String, sqliteCode: Int32 = 0, reason: String,
        underlying: (any Error)? = nil
    ) {
        self.kind = kind
        self.action = action
        self.path = path
        self.sqliteCode = sqliteCode
        self.reason = reason
        self.underlying = underlying
    }

    /// Whether the same call may succeed later without anybody changing the configuration.
    package var isRetryable: Bool {
        switch kind {
        case .diskFull, .busy, .inputOutput, .readOnly, .gone, .other: true
        case .inUse, .corrupt, .cannotOpen, .newer, .older: false
        }
    }

    package var description: String {
        let code = sqliteCode == 0 ? "" : " (SQLite \(sqliteCode))"
        let place = action.hasSuffix("store") ? "at" : "in"
        return "cannot \(action) \(place) \(path): \(reason)\(code). \(advice)"
    }

    /// Nobody has the store yet who would try again.
    private var isOpening: Bool { action.hasSuffix(" store") || action.hasSuffix(" lock file") }

    private var advice: String {
        switch kind {
        case .inUse: "Stop that process first, or give this one a store of its own."
        case .diskFull where isOpening: "Free space on that disk, then try again; no stored event is lost."
        case .diskFull: "Free space on that disk; no stored event is lost, and writing goes on by itself."
        case .busy: "Another program has the file open; if that lasts, end it. Nothing is lost meanwhile."
        case .corrupt:
            "Keep a copy of the file for inspection, then start with a new store or a backup: the cursors are gone "
                + "with it, so set where each topic starts."
        case .cannotOpen: "Check that the path is right and that this user may read and write there."
        case .readOnly: "Make the file, its folder and its file system writable for this user."
        case .gone:
            "Put it back if it was moved. Otherwise restart the relay: what waits there is lost with the file, and each topic "
                + "starts where the configuration says; `sluice replay --source salesforce` gets events again."
        case .inputOutput where isOpening: "Look at the system log for disk errors, then try again."
        case .inputOutput: "Look at the system log for disk errors; writing is tried again by itself."
        case .older: "Start the relay once (`sluice run`): it brings the store up to date, and loses nothing."
        case .newer: "Use the version of Sluice that wrote it, or a later one."
        case .other: "If that lasts, please report it with this message."
        }
    }
}
