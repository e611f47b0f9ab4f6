import Glibc
import Synchronization

/// The one thread that runs libcurl and every socket that HTTP/2 uses. What is marked `@IOThread` lives on it.
///
/// It is a global actor rather than an executor handed around, so that the compiler proves what may call what without
/// a hop. Sockets that are never mentioned cost nothing: an idle thread sleeps.
@globalActor
package actor IOThread {
    package static let shared = IOThread()

    nonisolated let executor: IOExecutor
    nonisolated let tasks: IOTaskExecutor

    private init() {
        executor = IOExecutor()
        tasks = IOTaskExecutor(executor)
    }

    nonisolated package var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// For actors that do little but start requests and take their answers, and for tasks that go from one of them to the
    /// next: no step of theirs changes threads. They must not block or compute for long.
    nonisolated package static var executors: ThreadExecutors {
        ThreadExecutors(actors: shared.executor, tasks: shared.tasks, elsewhere: globalConcurrentExecutor)
    }

    /// Runs on the thread soon, after what was posted before. Cheaper than a task.
    nonisolated package static func post(_ block: @escaping @IOThread @Sendable () -> Void) {
        shared.executor.post(block)
    }

    /// At once on the thread itself, and soon from any other.
    nonisolated package static func run(_ block: @escaping @IOThread @Sendable () -> Void) {
        IOExecutor.isCurrentThread ? assumeIsolated { block() } : post(block)
    }

    /// Calls what needs the thread from a place that the compiler does not know to be on it, such as the thread's own
    /// main function. Traps anywhere else.
    nonisolated static func assumeIsolated<Result>(_ body: @IOThread () throws -> Result) rethrows -> Result {
        precondition(IOExecutor.isCurrentThread, "called outside the I/O thread")
        // Isolation is no part of a synchronous function's type at run time: `MainActor.assumeIsolated` does the same.
        return try withoutActuallyEscaping(body) { try unsafeBitCast($0, to: (() throws -> Result).self)() }
    }
}

extension IOThread {
    /// `assumeIsolated` for what is a function already, without making another one for each call.
    nonisolated static func call(_ block: @escaping @IOThread @Sendable () -> Void) {
        precondition(IOExecutor.isCurrentThread, "called outside the I/O thread")
        unsafeBitCast(block, to: (@Sendable () -> Void).self)()
    }

    /// The same for a function that C calls.
    nonisolated static func callback<Argument>(
        _ body: @escaping @IOThread @Sendable (Argument) -> Void
    ) -> @Sendable (Argument) -> Void {
        let plain = unsafeBitCast(body, to: (@Sendable (Argument) -> Void).self)
        return { argument in
            precondition(IOExecutor.isCurrentThread, "called outside the I/O thread")
            plain(argument)
        }
    }

    /// A timer that can be cancelled. Fires once.
    package struct TimerID: Sendable, Hashable {
        let number: UInt64
    }

    @IOThread package static func schedule(
        after delay: Duration, _ action: @escaping @IOThread () -> Void
    ) -> TimerID {
        IOLoop.shared.schedule(after: delay, action)
    }

    @IOThread package static func cancel(_ timer: TimerID) {
        IOLoop.shared.timers.cancel(timer)
    }
}

extension IOThread {
    /// It has nothing to do before one of its few transfers goes on.
    nonisolated static let isWaiting = Atomic<Bool>(false)

    /// For whoever computes on another thread: while this one waits for an answer, somebody else may have the processor,
    /// as it may be where the answer is made. Costs next to nothing if nobody wants it.
    nonisolated package static func giveWay() {
        if isWaiting.load(ordering: .relaxed) { sched_yield() }
    }
}

extension IOThread {
    /// The clock of the timers, in nanoseconds. Runs on whatever happens to the time of day.
    nonisolated package static var nanoseconds: UInt64 { clock_gettime_nsec() }
}
