import Curl
import Dispatch

/// A queue of a test's own in the place of the I/O thread: what other tests do there does not slow it down.
package final class QueueExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "test")

    package init() {}

    package var both: ThreadExecutors {
        ThreadExecutors(actors: self, tasks: QueueTaskExecutor(self), elsewhere: nil)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    fileprivate func enqueue(_ job: UnownedJob, of tasks: QueueTaskExecutor) {
        queue.async {
            job.runSynchronously(
                isolatedTo: self.asUnownedSerialExecutor(), taskExecutor: tasks.asUnownedTaskExecutor())
        }
    }
}

private final class QueueTaskExecutor: TaskExecutor {
    private let executor: QueueExecutor

    init(_ executor: QueueExecutor) { self.executor = executor }

    func enqueue(_ job: consuming ExecutorJob) { executor.enqueue(UnownedJob(job), of: self) }
}
