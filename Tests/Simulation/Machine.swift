import CSimulation
import Curl
import DequeModule
import Glibc
import HeapModule

/// The one thread on which everything happens. Jobs of all tasks run one after another, in an order that the seed
/// decides; time moves when no job is left, to the next moment for which anybody waits.
///
/// Unchecked: used on the main thread alone, where every job of the process runs.
final class Machine: @unchecked Sendable {
    /// What many jobs at one moment are called. A batch of a hundred events with all their deliveries takes a few
    /// thousand.
    static let mostJobsAtOnce = 60_000

    private struct Timer: Comparable {
        let due: Int64
        let number: Int

        static func < (one: Timer, other: Timer) -> Bool { (one.due, one.number) < (other.due, other.number) }
    }

    nonisolated(unsafe) private static var current: Machine?

    /// Milliseconds since the simulation began.
    private(set) var now: Int64 = 0
    private(set) var jobsRun = 0
    /// In all.
    private(set) var stoodStill: Int64 = 0
    let trace: Trace
    private var order: SeededRandom
    private var jobs: [Job] = []
    private var timers = Heap<Timer>()
    private var actions: [Int: () -> Void] = [:]
    private var nextTimer = 0
    private var jobsAtOnce = 0

    /// Ends the machine before this one.
    init(seed: UInt64, trace: Trace) {
        self.trace = trace
        order = SeededRandom(seed: seed ^ 0x6F72_6465_72)
        simulation_seed(seed ^ 0x7374_6473)
        Self.current = self
    }

    /// Once, before the first task.
    static func takeOver() {
        let thread = pthread_self()
        Self.thread = thread
        simulation_install { job in
            precondition(pthread_self() == Machine.thread, "a job came from another thread, so nothing is repeatable")
            guard let machine = Machine.current, let job else { preconditionFailure("a job before the machine") }
            machine.jobs.append(.pooled(job))
        }
    }

    private enum Job {
        /// For the runtime's pool of threads.
        case pooled(UnsafeMutableRawPointer)
        /// The next one of an executor.
        case turn(MachineExecutor)
    }

    fileprivate static func takeTurn(of executor: MachineExecutor) {
        guard let machine = current else { preconditionFailure("a job before the machine") }
        machine.jobs.append(.turn(executor))
    }

    nonisolated(unsafe) private static var thread = pthread_t()

    // MARK: Time

    /// Does something at a moment, between two jobs.
    @discardableResult
    func at(_ moment: Int64, _ action: @escaping () -> Void) -> Int {
        nextTimer += 1
        actions[nextTimer] = action
        timers.insert(Timer(due: max(moment, now), number: nextTimer))
        return nextTimer
    }

    @discardableResult
    func after(_ milliseconds: Int64, _ action: @escaping () -> Void) -> Int { at(now + milliseconds, action) }

    func cancel(_ timer: Int) { actions[timer] = nil }

    /// Nothing runs for so long, as after SIGSTOP: afterwards everything is late.
    func standStill(for milliseconds: Int64) {
        now += milliseconds
        stoodStill += milliseconds
    }

    /// For the simulation's own tasks.
    func sleep(for milliseconds: Int64) async {
        await withUnsafeContinuation { continuation in after(milliseconds) { continuation.resume() } }
    }

    // MARK: Running

    enum Standstill: Error, CustomStringConvertible {
        /// So many jobs at one moment.
        case busyLoop(at: Int64)
        /// Nobody waits for anything, and it is not over.
        case deadlock(at: Int64)

        var description: String {
            switch self {
            case .busyLoop(let moment): "busy loop: more than \(Machine.mostJobsAtOnce) jobs at \(moment) ms"
            case .deadlock(let moment): "deadlock: nothing waits for anything after \(moment) ms"
            }
        }
    }

    func run(until isDone: () -> Bool) throws(Standstill) {
        while !isDone() {
            if !jobs.isEmpty {
                runJob()
                if jobsAtOnce > Self.mostJobsAtOnce { throw .busyLoop(at: now) }
            } else if let timer = timers.popMin() {
                guard let action = actions.removeValue(forKey: timer.number) else { continue }
                if timer.due > now {
                    now = timer.due
                    jobsAtOnce = 0
                }
                trace.mix(UInt64(bitPattern: now))
                action()
            } else {
                throw .deadlock(at: now)
            }
        }
    }

    /// Runs what is left of tasks that came to their end, without letting time move.
    func drain() {
        jobsAtOnce = 0
        while !jobs.isEmpty, jobsAtOnce <= Self.mostJobsAtOnce { runJob() }
    }

    /// Forgets what was to happen, in the end.
    func clear() {
        actions = [:]
        timers = Heap()
    }

    private func runJob() {
        let index = jobs.count == 1 ? 0 : order.below(jobs.count)
        trace.mix(UInt64(truncatingIfNeeded: index << 16 | jobs.count))
        let job = jobs[index]
        jobs[index] = jobs[jobs.count - 1]
        jobs.removeLast()
        jobsRun += 1
        jobsAtOnce += 1
        switch job {
        case .pooled(let job): simulation_run(job)
        case .turn(let executor): executor.runNext()
        }
    }
}

/// Runs jobs of actors in their order; when each one's turn comes, the machine decides.
///
/// Unchecked: used on the main thread alone, where every job of the process runs.
final class MachineExecutor: SerialExecutor, @unchecked Sendable {
    private var jobs: Deque<(job: UnownedJob, tasks: MachineTaskExecutor?)> = []

    var both: ThreadExecutors { ThreadExecutors(actors: self, tasks: MachineTaskExecutor(self), elsewhere: nil) }

    func enqueue(_ job: consuming ExecutorJob) {
        add(UnownedJob(job))
    }

    fileprivate func add(_ job: UnownedJob, _ tasks: MachineTaskExecutor? = nil) {
        jobs.append((job, tasks))
        Machine.takeTurn(of: self)
    }

    fileprivate func runNext() {
        let (job, tasks) = jobs.removeFirst()
        guard let tasks else { return job.runSynchronously(on: asUnownedSerialExecutor()) }
        job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: tasks.asUnownedTaskExecutor())
    }

    func isIsolatingCurrentContext() -> Bool? { true }
}

/// As the product's I/O thread: what prefers this runs among the jobs of its actors.
final class MachineTaskExecutor: TaskExecutor {
    private let executor: MachineExecutor

    init(_ executor: MachineExecutor) { self.executor = executor }

    func enqueue(_ job: consuming ExecutorJob) { executor.add(UnownedJob(job), self) }
}
