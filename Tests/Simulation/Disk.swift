import CPowerLoss
import Glibc
import Store

/// A disk in memory on which SQLite lives: it keeps what was written when a process is killed, loses some of it with the
/// power, and can be full or ill. The store's work takes time here, one piece after another.
///
/// Unchecked: see `Machine`.
final class Disk: @unchecked Sendable {
    enum Illness: CaseIterable { case full, noWrite, noSync, noRead, slow }

    private let disk: OpaquePointer
    private let folder: String
    private let machine: Machine
    private var random: SeededRandom
    private var work: [() -> Void] = []
    private var isBusy = false
    private(set) var illness: Illness?
    /// Called when the power failed in the middle of something.
    var onFailure: () -> Void = {}

    init(seed: UInt64, machine: Machine) {
        var template = Array("/tmp/sluice-simulation-XXXXXX".utf8CString)
        folder = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        disk = powerloss_create(folder)
        random = SeededRandom(seed: seed ^ 0x6469_736B)
        self.machine = machine
    }

    var path: String { folder + "/sluice.db" }
    var hasFailed: Bool { powerloss_has_failed(disk) }
    var lostWrites: Int { Int(powerloss_lost_writes(disk)) }
    var refusals: Int { Int(powerloss_refusals(disk)) }

    func open(limits: StoreLimits, wall: Int64) throws(StoreError) -> Store {
        try Store(path: path, limits: limits, wall: wall, turns: { [weak self] work in
            guard let self else { return work() }
            take(work)
        })
    }

    // MARK: Faults

    func fallIll(_ illness: Illness) {
        self.illness = illness
        let (trouble, permille): (powerloss_trouble, Int32) =
            switch illness {
            case .full: (powerloss_full, 1000)
            case .noWrite: (powerloss_no_write, 300)
            case .noSync: (powerloss_no_sync, 700)
            case .noRead: (powerloss_no_read, 100)
            case .slow: (powerloss_well, 0)
            }
        powerloss_fall_ill(disk, trouble, permille, random.next())
    }

    func recover() {
        illness = nil
        powerloss_fall_ill(disk, powerloss_well, 0, 0)
    }

    /// The power fails in the middle of the `operations`th operation from now on.
    func arm(after operations: Int) { powerloss_arm(disk, Int64(operations), random.next()) }

    /// The process is gone, or the machine is.
    func cut(losesPower: Bool) { powerloss_cut(disk, losesPower, random.next()) }

    /// Only after the store was closed.
    func restore() { powerloss_restore(disk) }

    // MARK: Turns

    private func take(_ piece: @escaping () -> Void) {
        work.append(piece)
        if !isBusy { schedule() }
    }

    private func schedule() {
        guard !work.isEmpty else { return }
        isBusy = true
        machine.after(latency()) { [self] in
            let had = hasFailed
            work.removeFirst()()
            isBusy = false
            if hasFailed, !had { onFailure() }
            schedule()
        }
    }

    private func latency() -> Int64 {
        if illness == .slow { return random.milliseconds(100...4_000) }
        return random.chance(20) ? random.milliseconds(10...400) : random.milliseconds(0...2)
    }

    /// At the end of a world: what it left hanging keeps the disk itself alive.
    func wipe() {
        powerloss_wipe(disk)
        for name in ["", "-wal", "-shm", ".lock"] { unlink(path + name) }
        rmdir(folder)
    }

    deinit { powerloss_destroy(disk) }
}
