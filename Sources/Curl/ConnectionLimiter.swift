/// Who may start, and who waits, so that neither one host nor all together get too many connections. First come, first
/// served within a host; a host that is full holds up nobody else.
struct ConnectionLimiter<Item> {
    enum Verdict { case start, wait, refuse }

    let limits: CurlClient.Limits
    private var activePerHost: [String: Int] = [:]
    private var active = 0
    private var waiting: [String: WaitingLine] = [:]
    /// Hosts with somebody waiting; who was served goes to the end.
    private var turns: [String] = []
    private(set) var waitingCount = 0

    fileprivate struct WaitingLine {
        var items: [Item] = []
        var first = 0
        var isEmpty: Bool { first == items.count }

        mutating func next() -> Item {
            let item = items[first]
            first += 1
            if first > 256, first > items.count / 2 {
                items.removeFirst(first)
                first = 0
            }
            return item
        }
    }

    init(limits: CurlClient.Limits) {
        self.limits = limits
    }

    mutating func admit(_ item: Item, to host: String) -> Verdict {
        if waitingCount == 0 || waiting[host] == nil, hasRoom(for: host) {
            count(host, by: 1)
            return .start
        }
        guard waitingCount < limits.waiting else { return .refuse }
        if waiting[host] == nil { turns.append(host) }
        waiting[host, default: WaitingLine()].items.append(item)
        waitingCount += 1
        return .wait
    }

    /// - Returns: who starts now; they count as started.
    mutating func finished(to host: String) -> [Item] {
        count(host, by: -1)
        guard waitingCount > 0 else { return [] }
        var started: [Item] = []
        while let index = turns.firstIndex(where: hasRoom) {
            let host = turns.remove(at: index)
            guard var line = waiting.removeValue(forKey: host) else { continue }
            started.append(line.next())
            waitingCount -= 1
            count(host, by: 1)
            guard !line.isEmpty else { continue }
            waiting[host] = line
            turns.append(host)
        }
        return started
    }

    mutating func cancelWaiting(to host: String, where matches: (Item) -> Bool) {
        guard var line = waiting[host],
            let index = line.items[line.first...].firstIndex(where: matches)
        else { return }
        line.items.remove(at: index)
        waitingCount -= 1
        waiting[host] = line.isEmpty ? nil : line
        if line.isEmpty { turns.removeAll { $0 == host } }
    }

    private func hasRoom(for host: String) -> Bool {
        active < limits.connections && activePerHost[host, default: 0] < limits.connectionsPerHost
    }

    private mutating func count(_ host: String, by change: Int) {
        active += change
        guard let index = activePerHost.index(forKey: host) else { return activePerHost[host] = change }
        activePerHost.values[index] += change
        if activePerHost.values[index] == 0 { activePerHost.remove(at: index) }
    }
}

extension ConnectionLimiter: Sendable where Item: Sendable {}
extension ConnectionLimiter.WaitingLine: Sendable where Item: Sendable {}
