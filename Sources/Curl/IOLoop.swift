internal import CCurl
import Glibc

/// What the I/O thread does: queued jobs, due timers, libcurl's transfers, then sleep until one of them has more.
@IOThread
final class IOLoop {
    static let shared = IOLoop()

    struct Readiness {
        var canRead: Bool
        var canWrite: Bool
    }

    typealias Completion = @IOThread (CURLcode) -> Void

    var timers = TimerTable<@IOThread () -> Void>()
    private var completions: [UnsafeMutableRawPointer: Completion] = [:]
    private var watchers: [Int32: @IOThread (Readiness) -> Void] = [:]
    private var descriptors: [curl_waitfd] = []
    private var now: UInt64 { clock_gettime_nsec() }
    private var multi: UnsafeMutableRawPointer { IOThread.shared.executor.multi.pointer }

    nonisolated private init() {}

    /// How often work that brings about more work is gone through before the sockets have their turn.
    private static let roundsPerTurn = 2

    func run(_ executor: IOExecutor) {
        var batch: [IOExecutor.Work] = []
        while true {
            for _ in 0..<Self.roundsPerTurn {
                batch = executor.takeWork(leaving: batch)
                if batch.isEmpty { break }
                for work in batch { perform(work, on: executor) }
                batch.removeAll(keepingCapacity: batch.capacity <= 4096)
            }
            for action in timers.takeDue(at: now) { action() }
            advanceTransfers()
            let mayWait = executor.prepareToSleep()
            waitForSockets(milliseconds: mayWait ? timers.millisecondsToNext(from: now) : 0)
        }
    }

    private func perform(_ work: IOExecutor.Work, on executor: IOExecutor) {
        switch work {
        case .job(let job): job.runSynchronously(on: executor.asUnownedSerialExecutor())
        case .block(let block): block()
        }
    }

    func schedule(after delay: Duration, _ action: @escaping @IOThread () -> Void) -> IOThread.TimerID {
        timers.insert(action, at: now &+ delay.nanoseconds)
    }
}

// MARK: - Transfers

extension IOLoop {
    /// Starts a configured transfer. `completion` is called once, unless `remove` comes before.
    func add(_ easy: UnsafeMutableRawPointer, completion: @escaping Completion) {
        completions[easy] = completion
        let code = curl_multi_add_handle(multi, easy)
        precondition(code == CURLM_OK, "libcurl refused a transfer: \(String(cString: curl_multi_strerror(code)))")
    }

    /// Ends a transfer, or lets go of the connection that a CONNECT_ONLY transfer kept.
    func remove(_ easy: UnsafeMutableRawPointer) {
        completions[easy] = nil
        curl_multi_remove_handle(multi, easy)
    }

    private func advanceTransfers() {
        var running: Int32 = 0
        curl_multi_perform(multi, &running)
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let result = message.pointee.data.result
            completions.removeValue(forKey: easy)?(result)
        }
    }
}

// MARK: - Sockets beside libcurl's

extension IOLoop {
    /// Calls `handler` whenever the socket can be read, or, if asked by `setWantsWrite`, written.
    func watch(_ socket: Int32, handler: @escaping @IOThread (Readiness) -> Void) {
        precondition(watchers.updateValue(handler, forKey: socket) == nil, "a socket is watched twice")
        descriptors.append(curl_waitfd(fd: socket, events: Int16(CURL_WAIT_POLLIN), revents: 0))
    }

    func setWantsWrite(_ wants: Bool, on socket: Int32) {
        guard let index = descriptors.firstIndex(where: { $0.fd == socket }) else { return }
        descriptors[index].events = Int16(CURL_WAIT_POLLIN | (wants ? CURL_WAIT_POLLOUT : 0))
    }

    func unwatch(_ socket: Int32) {
        watchers[socket] = nil
        descriptors.removeAll { $0.fd == socket }
    }

    private func waitForSockets(milliseconds: Int32) {
        var readyCount: Int32 = 0
        curl_multi_poll(multi, &descriptors, UInt32(descriptors.count), milliseconds, &readyCount)
        guard readyCount > 0, !descriptors.isEmpty else { return }
        let ready = descriptors.filter { $0.revents != 0 }
        // libcurl does not hand on POLLERR and POLLHUP. Every reader then finds out by itself; not asking would spin.
        let called = ready.isEmpty ? descriptors : ready
        for descriptor in called {
            let canRead = ready.isEmpty || descriptor.revents & Int16(CURL_WAIT_POLLIN) != 0
            let canWrite = descriptor.revents & Int16(CURL_WAIT_POLLOUT) != 0
            watchers[descriptor.fd]?(Readiness(canRead: canRead, canWrite: canWrite))
        }
    }
}

/// CLOCK_MONOTONIC.
func clock_gettime_nsec() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}

extension Duration {
    /// Not below zero, and not above about 292 years.
    package var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 9_000_000_000 else { return UInt64(Int64.max) }
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }

    /// Rounded up, so that a wait of that length is never too short.
    var milliseconds: Int {
        Int((nanoseconds &+ 999_999) / 1_000_000)
    }
}
