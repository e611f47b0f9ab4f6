import GRDB

extension StoreError {
    /// Wraps what GRDB or SQLite threw.
    ///
    /// - Parameter space: what is left where the store is.
    init(_ error: any Error, action: String, path: String, space: (String) -> DiskSpace? = DiskSpace.init(around:)) {
        if let error = error as? StoreError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(kind: .other, action: action, path: path, reason: "\(error)", underlying: error)
            return
        }
        let fullness = Self.mayHideFullDisk(error.extendedResultCode) ? space(path)?.fullness : nil
        self.init(
            kind: fullness == nil ? Self.kind(of: error.resultCode) : .diskFull, action: action, path: path,
            sqliteCode: error.extendedResultCode.rawValue,
            reason: fullness ?? Self.reason(of: error), underlying: error)
    }

    /// Failures to write, extend or create a file, whatever the reason.
    private static func mayHideFullDisk(_ code: ResultCode) -> Bool {
        switch code {
        case .SQLITE_IOERR_READ, .SQLITE_IOERR_SHORT_READ: false
        default: code.primaryResultCode == .SQLITE_IOERR || code.primaryResultCode == .SQLITE_CANTOPEN
        }
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
