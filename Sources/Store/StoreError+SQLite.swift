import GRDB

extension StoreError {
    /// Wraps what GRDB or SQLite threw.
    init(_ error: any Error, action: String, path: String) {
        if let error = error as? StoreError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(kind: .other, action: action, path: path, reason: "\(error)", underlying: error)
            return
        }
        self.init(
            kind: Self.kind(of: error.resultCode), action: action, path: path,
            sqliteCode: error.extendedResultCode.rawValue,
            reason: Self.reason(of: error), underlying: error)
    }

    private static func kind(of code: ResultCode) -> Kind {
        switch code {
        case .SQLITE_FULL: .diskFull
        case .SQLITE_BUSY, .SQLITE_LOCKED: .busy
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: .corrupt
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH: .cannotOpen
        case .SQLITE_READONLY: .readOnly
        case .SQLITE_IOERR: .inputOutput
        default: .other
        }
    }

    /// Never `error.description`, which would show the statement and its arguments: payloads among them.
    private static func reason(of error: DatabaseError) -> String {
        switch error.resultCode {
        case .SQLITE_FULL: "disk full"
        case .SQLITE_NOTADB: "this is not a Sluice store: the file is not a database"
        default: error.message ?? "unknown error"
        }
    }
}
