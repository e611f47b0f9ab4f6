/// Who may hand over changes of one object: its streams, beside each other, or one page of a snapshot, alone. First
/// come, first served. No clocks, no tasks: whoever has to wait is named by a number.
struct PageLock {
    private var streams = 0
    private var hasPage = false
    private var waiting: [(number: Int, isPage: Bool)] = []

    var isFree: Bool { streams == 0 && !hasPage && waiting.isEmpty }

    /// - Returns: whether it may go on at once; if not, `leave` or `giveUp` name it later.
    mutating func enter(_ number: Int, isPage: Bool) -> Bool {
        guard waiting.isEmpty, admits(isPage) else {
            waiting.append((number, isPage))
            return false
        }
        take(isPage)
        return true
    }

    /// - Returns: who may go on now.
    mutating func leave(isPage: Bool) -> [Int] {
        if isPage {
            precondition(hasPage, "a page left that never entered")
            hasPage = false
        } else {
            precondition(streams > 0, "a stream left that never entered")
            streams -= 1
        }
        return next()
    }

    /// One that waits does not want it any more.
    mutating func giveUp(_ number: Int) -> [Int] {
        waiting.removeAll { $0.number == number }
        return next()
    }

    private func admits(_ isPage: Bool) -> Bool { !hasPage && (!isPage || streams == 0) }

    private mutating func take(_ isPage: Bool) { if isPage { hasPage = true } else { streams += 1 } }

    private mutating func next() -> [Int] {
        var admitted: [Int] = []
        while let first = waiting.first, admits(first.isPage) {
            waiting.removeFirst()
            take(first.isPage)
            admitted.append(first.number)
        }
        return admitted
    }
}
