internal import CCurl
import Glibc
import Synchronization

/// Takes jobs from any thread, and runs them on its own between two calls of `curl_multi_poll`.
final class IOExecutor: SerialExecutor {
    enum Work: Sendable {
        case job(UnownedJob)
        case block(@IOThread @Sendable () -> Void)
    }

    private struct State {
        var work: [Work] = []
        /// The thread is in `curl_multi_poll`, or will be before it looks at `work` again.
        var isAsleep = false
    }

    private let state = Mutex(State())
    let multi: MultiHandle

    init() {
        multi = MultiHandle()
        Self.startThread(running: self)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        add(.job(UnownedJob(job)))
    }

    func post(_ block: @escaping @IOThread @Sendable () -> Void) {
        add(.block(block))
    }

    /// Without this `assumeIsolated` traps: between two jobs there is no current task to compare.
    func checkIsolated() {
        precondition(Self.isCurrentThread, "called outside the I/O thread")
    }

    func isIsolatingCurrentContext() -> Bool? { Self.isCurrentThread }

    private func add(_ work: Work) {
        let mustWake = state.withLock { state in
            state.work.append(work)
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if mustWake { multi.wakeUp() }
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

/// The multi handle, never cleaned up: it lives as long as its thread, which lives as long as the process.
///
/// `@unchecked`: only the I/O thread uses the pointer, but for `curl_multi_wakeup`, which libcurl documents as callable
/// from any thread.
final class MultiHandle: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer

    init() {
        curl_global_init(Int(CURL_GLOBAL_ALL))
        guard let pointer = curl_multi_init() else { preconditionFailure("libcurl: out of memory") }
        self.pointer = pointer
        // HTTP/1.1 only; idle connections are kept up to here, the oldest goes first.
        sluice_multi_setopt_long(pointer, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        sluice_multi_setopt_long(pointer, CURLMOPT_MAXCONNECTS, Self.maximumIdleConnections)
    }

    static let maximumIdleConnections = 512

    func wakeUp() {
        curl_multi_wakeup(pointer)
    }
}
