internal import CCurl
import Glibc

/// What the I/O thread sleeps in: epoll over the sockets of libcurl and of HTTP/2, and a descriptor by which other
/// threads end the sleep.
///
/// Not `curl_multi_poll`: that asks about every transfer at every turn, and libcurl then polls each of them once more.
/// With 64 requests under way that was most of what a request cost.
final class SocketPoller: Sendable {
    struct Interest: OptionSet {
        let rawValue: UInt32
        static let read = Interest(rawValue: EPOLLIN.rawValue)
        static let write = Interest(rawValue: EPOLLOUT.rawValue)
        /// The peer is gone, or the socket is broken: whoever reads or writes finds out why.
        static let broken = Interest(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue)
    }

    struct Ready {
        var socket: Int32
        var what: Interest
    }

    /// Sockets reported by one call of `wait`; the others come with the next. Few, since work of other threads waits until
    /// they have been served.
    static let readyAtOnce = 16

    private let epoll: Int32
    private let wake: Int32

    init() {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wake = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        precondition(epoll >= 0 && wake >= 0, "cannot make the descriptors of the I/O thread: error \(errno)")
        set(.read, on: wake, before: nil)
    }

    /// Ends the sleep of `wait`, or the next one. From any thread.
    func wakeUp() {
        var one: UInt64 = 1
        _ = Glibc.write(wake, &one, MemoryLayout<UInt64>.size)
    }

    /// - Parameter milliseconds: 0 only looks.
    /// - Returns: what is ready, as long as it stays so; nothing when the time is over or somebody woke the thread.
    @IOThread
    func wait(milliseconds: Int32) -> [Ready] {
        var ready: [Ready] = []
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Self.readyAtOnce) { events in
            let count = epoll_wait(epoll, events.baseAddress, Int32(Self.readyAtOnce), milliseconds)
            guard count > 0 else { return }
            ready.reserveCapacity(Int(count))
            for event in events[..<Int(count)] {
                if event.data.fd == wake { wasWoken() } else { ready.append(Ready(event)) }
            }
        }
        return ready
    }

    private func wasWoken() {
        var count: UInt64 = 0
        _ = Glibc.read(wake, &count, MemoryLayout<UInt64>.size)
    }

    // MARK: Which sockets

    /// - Parameters:
    ///   - interest: nil before the socket is closed.
    ///   - known: what was set before; nil for nothing.
    func set(_ interest: Interest?, on socket: Int32, before known: Interest?) {
        guard let interest else {
            if known != nil { _ = control(EPOLL_CTL_DEL, socket, []) }
            return
        }
        // A socket that was closed unseen left by itself, and its number may be another's now.
        guard !control(known == nil ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, interest) else { return }
        let done = control(known == nil ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, interest)
        precondition(done, "cannot watch socket \(socket): error \(errno)")
    }

    private func control(_ operation: Int32, _ socket: Int32, _ interest: Interest) -> Bool {
        var event = epoll_event(events: interest.rawValue, data: epoll_data_t(fd: socket))
        return epoll_ctl(epoll, operation, socket, &event) == 0
    }
}

extension SocketPoller.Ready {
    fileprivate init(_ event: epoll_event) {
        self.init(socket: event.data.fd, what: SocketPoller.Interest(rawValue: event.events))
    }
}
