import Glibc
import Synchronization

/// Takes jobs from any thread, and runs them on its own between two looks at the sockets.
final class IOExecutor: SerialExecutor {
    enum Work: Sendable {
        case job(UnownedJob)
        /// Of a task that prefers this thread, on its way from anywhere.
        case taskJob(UnownedJob)
        case block(@IOThread @Sendable () -> Void)
    }

    private struct State {
        var work: [Work] = []
        /// The thread sleeps, or will before it looks at `work` again.
        var isAsleep = false
    }

    private let state = Mutex(State())
    let poller = SocketPoller()

    init() {
        Self.startThread(running: self)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        add(.job(UnownedJob(job)))
    }

    /// Runs what `enqueue` and `post` brought, on the thread.
    func perform(_ work: Work) {
        switch work {
        case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
        // Isolated to what has this thread for its executor, since it is the only one: the task goes on in such actors
        // without being queued anew.
        case .taskJob(let job):
            job.runSynchronously(
                isolatedTo: asUnownedSerialExecutor(), taskExecutor: IOThread.shared.tasks.asUnownedTaskExecutor())
        case .block(let block): IOThread.call(block)
        }
    }

    func post(_ block: @escaping @IOThread @Sendable () -> Void) {
        add(.block(block))
    }

    /// Without this `assumeIsolated` traps: between two jobs there is no current task to compare.
    func checkIsolated() {
        precondition(Self.isCurrentThread, "called outside the I/O thread")
    }

    func isIsolatingCurrentContext() -> Bool? { Self.isCurrentThread }

    fileprivate func add(_ work: Work) {
        let mustWake = state.withLock { state in
            state.work.append(work)
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if mustWake { poller.wakeUp() }
    }

    /// - Parameter spare: an empty array whose memory is used for what comes next.
    func takeWork(leaving spare: [Work]) -> [Work] {
        state.withLock { state in
            state.isAsleep = false
            guard !state.work.isEmpty else { return spare }
            let work = state.work
            state.work = spare
            return work
        }
    }

    var hasWork: Bool { state.withLock { !$0.work.isEmpty } }

    /// The thread is up again, and will look at `work` before it sleeps.
    func woke() {
        state.withLock { $0.isAsleep = false }
    }

    /// - Returns: false if there is work, so that the thread must not sleep.
    func prepareToSleep() -> Bool {
        state.withLock { state in
            state.isAsleep = state.work.isEmpty
            return state.isAsleep
        }
    }
}

extension IOExecutor {
    private static let threadID = Atomic<UInt>(0)

    static var isCurrentThread: Bool { threadID.load(ordering: .relaxed) == pthread_self() }

    /// The thread lives as long as the process.
    private static func startThread(running executor: IOExecutor) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(executor).toOpaque()
        let failure = pthread_create(&thread, nil, { context in
            let executor = Unmanaged<IOExecutor>.fromOpaque(context!).takeRetainedValue()
            IOExecutor.threadID.store(pthread_self(), ordering: .relaxed)
            IOExecutor.blockSignals()
            IOThread.assumeIsolated { IOLoop.shared.run(executor) }
            return nil
        }, context)
        precondition(failure == 0, "cannot start the I/O thread: error \(failure)")
        pthread_detach(thread)
    }

    /// OpenSSL writes to sockets without MSG_NOSIGNAL: a SIGPIPE of this thread must not end the process. The other
    /// signals are for threads that wait for them.
    private static func blockSignals() {
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
    }
}

/// For tasks that go from one actor of this thread to the next and wait for requests. A continuation resumes a task on
/// the executor that the task prefers, never on that of its actor: with the shared pool, each answer would wake two
/// threads.
final class IOTaskExecutor: TaskExecutor {
    private let executor: IOExecutor

    init(_ executor: IOExecutor) { self.executor = executor }

    func enqueue(_ job: consuming ExecutorJob) { executor.add(.taskJob(UnownedJob(job))) }
}
