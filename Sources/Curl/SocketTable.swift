/// What the loop knows of each open socket, by its number. Numbers of sockets are small: the lowest free one is taken.
struct SocketTable {
    struct Entry {
        /// What libcurl or the handler waits for; nil for nothing.
        var wanted: SocketPoller.Interest?
        /// What epoll looks for.
        var registered: SocketPoller.Interest?
        /// One of libcurl's connections, whose end it tells us: between two requests it stays registered.
        var isKept = false
        /// Whose socket it is, if not libcurl's.
        var handler: (@IOThread () -> Void)?
    }

    private var entries: [Entry] = []

    subscript(socket: Int32) -> Entry {
        get { entries.indices.contains(Int(socket)) ? entries[Int(socket)] : Entry() }
        _modify {
            while entries.count <= Int(socket) { entries.append(Entry()) }
            yield &entries[Int(socket)]
        }
    }
}
