import CPowerLoss
import Glibc

@testable import Store

/// A disk whose power fails, and the store on it.
final class PowerLossDisk {
    /// Owned by this object alone, and used from one task at a time.
    private let disk: OpaquePointer
    private let folder: String

    init() {
        var template = Array("/tmp/sluice-power-XXXXXX".utf8CString)
        folder = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        disk = powerloss_create(folder)
    }

    var path: String { folder + "/sluice.db" }
    var hasFailed: Bool { powerloss_has_failed(disk) }
    var lostWrites: Int { Int(powerloss_lost_writes(disk)) }
    var syncs: Int { Int(powerloss_syncs(disk)) }

    /// - Parameter operations: 0 never fails.
    func arm(after operations: Int, seed: UInt64) { powerloss_arm(disk, Int64(operations), seed) }

    func restore() { powerloss_restore(disk) }

    func open() throws(StoreError) -> Store { try Store(path: path, wall: 1_760_000_000_000) }

    deinit {
        powerloss_destroy(disk)
        for name in ["", "-wal", "-shm", ".lock"] { unlink(path + name) }
        rmdir(folder)
    }
}
