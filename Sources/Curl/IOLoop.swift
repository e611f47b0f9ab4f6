internal import CCurl
import Glibc

/// What the I/O thread does: queued jobs, due timers, libcurl's transfers, then sleep until one of them has more.
@IOThread
final class IOLoop {
    static let shared = IOLoop()

    typealias Completion = @IOThread (CURLcode) -> Void

    var timers = TimerTable<@IOThread () -> Void>()
    private var completions: [UnsafeMutableRawPointer: Completion] = [:]
    /// When libcurl wants to be called although no socket of its is ready; nil when it does not.
    private var transfersDue: UInt64?
    private var sockets = SocketTable()
    private var briefWaits = BriefWaits(processors: sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    private var now: UInt64 { clock_gettime_nsec() }
    private let multi: UnsafeMutableRawPointer
    private let poller: SocketPoller

    private init() {
        poller = IOThread.shared.executor.poller
        curl_global_init(Int(CURL_GLOBAL_ALL))
        guard let multi = curl_multi_init() else { preconditionFailure("libcurl: out of memory") }
        self.multi = multi
        // HTTP/1.1 only; idle connections are kept up to here, the oldest goes first.
        sluice_multi_setopt_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        sluice_multi_setopt_long(multi, CURLMOPT_MAXCONNECTS, Self.maximumIdleConnections)
        sluice_multi_setopt_socket(multi, Self.socketCallback)
        sluice_multi_setopt_timer(multi, Self.timerCallback)
    }

    private static let maximumIdleConnections = 512
    /// How often work that brings about more work is gone through before the sockets have their turn.
    private static let roundsPerTurn = 3
    /// With more of them under way one is always answered soon, and who answers had better do many at once.
    private static let fewTransfers = 32

    func run(_ executor: IOExecutor) {
        var batch: [IOExecutor.Work] = []
        while true {
            for _ in 0..<Self.roundsPerTurn {
                batch = executor.takeWork(leaving: batch)
                if batch.isEmpty { break }
                for work in batch { executor.perform(work) }
                batch.removeAll(keepingCapacity: batch.capacity <= 4096)
            }
            let now = now
            for action in timers.takeDue(at: now) { action() }
            if let due = transfersDue, due <= now { advance(CURL_SOCKET_TIMEOUT, 0) }
            for ready in wait(executor) { handle(ready) }
        }
    }

    /// Ends as soon as there is work, a socket is ready or something is due.
    private func wait(_ executor: IOExecutor) -> [SocketPoller.Ready] {
        guard !executor.hasWork else { return poller.wait(milliseconds: 0) }
        IOThread.isWaiting.store((1...Self.fewTransfers).contains(completions.count), ordering: .relaxed)
        defer { IOThread.isWaiting.store(false, ordering: .relaxed) }
        let began = now
        if briefWaits.isWorthwhile {
            let ready = look(executor, until: began &+ BriefWaits.look)
            briefWaits.looked(inTime: ready != nil)
            if let ready { return ready }
        }
        guard executor.prepareToSleep() else { return poller.wait(milliseconds: 0) }
        let ready = poller.wait(milliseconds: timeToSleep(at: now))
        executor.woke()
        briefWaits.slept(now &- began)
        return ready
    }

    /// Does not sleep.
    /// - Returns: nil if nothing came until then.
    private func look(_ executor: IOExecutor, until end: UInt64) -> [SocketPoller.Ready]? {
        var now = now
        while now < end {
            let ready = poller.wait(milliseconds: 0)
            if !ready.isEmpty || executor.hasWork || timeToSleep(at: now) == 0 { return ready }
            now = self.now
        }
        return nil
    }

    private func timeToSleep(at now: UInt64) -> Int32 {
        let timers = timers.millisecondsToNext(from: now)
        guard let due = transfersDue else { return timers }
        guard due > now else { return 0 }
        return min(timers, Int32(min((due - now + 999_999) / 1_000_000, UInt64(Int32.max))))
    }

    private func handle(_ ready: SocketPoller.Ready) {
        let entry = sockets[ready.socket]
        if let handler = entry.handler { return handler() }
        // An earlier one may have closed it. Or a connection that no request uses has come to its end: libcurl looks
        // before it uses it again.
        guard entry.wanted != nil else { return register(nil, ready.socket) }
        var what: Int32 = 0
        if !ready.what.isDisjoint(with: [.read, .broken]) { what |= CURL_CSELECT_IN }
        if !ready.what.isDisjoint(with: [.write, .broken]) { what |= CURL_CSELECT_OUT }
        advance(ready.socket, what)
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

    /// - Parameter socket: `CURL_SOCKET_TIMEOUT` for what is due without one.
    private func advance(_ socket: Int32, _ what: Int32) {
        if socket == CURL_SOCKET_TIMEOUT { transfersDue = nil }
        var running: Int32 = 0
        curl_multi_socket_action(multi, socket, what, &running)
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let result = message.pointee.data.result
            completions.removeValue(forKey: easy)?(result)
        }
    }

    /// Called inside libcurl: only notes what it wants.
    private static let timerCallback: sluice_timer_callback = { _, milliseconds, _ in
        IOLoop.timerWanted(milliseconds)
        return 0
    }

    private nonisolated static let timerWanted = IOThread.callback { (milliseconds: Int) in
        let loop = IOLoop.shared
        loop.transfersDue = milliseconds < 0 ? nil : loop.now &+ UInt64(milliseconds) &* 1_000_000
    }

    private static let socketCallback: sluice_socket_callback = { _, socket, what, _, _ in
        IOLoop.socketWanted((socket, what))
        return 0
    }

    private nonisolated static let socketWanted = IOThread.callback { (socket: Int32, what: Int32) in
        IOLoop.shared.wants(what, of: socket)
    }

    private func wants(_ what: Int32, of socket: Int32) {
        let interest: SocketPoller.Interest? =
            switch what {
            case CURL_POLL_IN: .read
            case CURL_POLL_OUT: .write
            case CURL_POLL_INOUT: [.read, .write]
            case CURL_POLL_REMOVE: nil
            default: []
            }
        sockets[socket].wanted = interest
        // The next request will wait for the same.
        guard interest != nil || !sockets[socket].isKept else { return }
        register(interest, socket)
    }

    /// - Parameter socket: one of a connection, opened for libcurl, which will hand it to `close`.
    func opened(_ socket: Int32) {
        sockets[socket] = SocketTable.Entry(isKept: true)
    }

    /// For libcurl, which has no more use for it.
    func close(_ socket: Int32) {
        register(nil, socket)
        sockets[socket] = SocketTable.Entry()
        Glibc.close(socket)
    }

    private func register(_ interest: SocketPoller.Interest?, _ socket: Int32) {
        let known = sockets[socket].registered
        guard interest != known else { return }
        sockets[socket].registered = interest
        poller.set(interest, on: socket, before: known)
    }
}

// MARK: - Sockets beside libcurl's

extension IOLoop {
    /// Calls `handler` whenever the socket can be read, or, if asked by `setWantsWrite`, written.
    func watch(_ socket: Int32, handler: @escaping @IOThread () -> Void) {
        precondition(sockets[socket].handler == nil, "a socket is watched twice")
        sockets[socket].handler = handler
        want(.read, socket)
    }

    func setWantsWrite(_ wants: Bool, on socket: Int32) {
        guard sockets[socket].handler != nil else { return }
        want(wants ? [.read, .write] : .read, socket)
    }

    func unwatch(_ socket: Int32) {
        guard sockets[socket].handler != nil else { return }
        sockets[socket].handler = nil
        want(nil, socket)
    }

    private func want(_ interest: SocketPoller.Interest?, _ socket: Int32) {
        sockets[socket].wanted = interest
        register(interest, socket)
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
