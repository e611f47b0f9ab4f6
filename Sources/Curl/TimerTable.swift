/// Timers by deadline. Inserting and cancelling cost the same however many there are.
///
/// Most timers guard requests and are cancelled long before they are due. So nothing is kept sorted: `earliest` is only
/// a bound, and the table is searched when that time has come, which is about once per timeout length.
struct TimerTable<Action> {
    private struct Entry {
        var deadline: UInt64
        var action: Action
    }

    private var entries: [IOThread.TimerID: Entry] = [:]
    /// No timer is due before this.
    private var earliest = UInt64.max
    private var lastNumber: UInt64 = 0

    /// - Parameter deadline: nanoseconds of the clock that is also given to `takeDue`.
    mutating func insert(_ action: Action, at deadline: UInt64) -> IOThread.TimerID {
        lastNumber += 1
        let id = IOThread.TimerID(number: lastNumber)
        entries[id] = Entry(deadline: deadline, action: action)
        earliest = min(earliest, deadline)
        return id
    }

    mutating func cancel(_ id: IOThread.TimerID) {
        entries[id] = nil
    }

    /// Removes what is due, and returns it in the order of the deadlines.
    mutating func takeDue(at now: UInt64) -> [Action] {
        guard now >= earliest else { return [] }
        var due: [(id: IOThread.TimerID, entry: Entry)] = []
        earliest = .max
        for (id, entry) in entries {
            if entry.deadline <= now {
                due.append((id, entry))
            } else {
                earliest = min(earliest, entry.deadline)
            }
        }
        for (id, _) in due { entries[id] = nil }
        due.sort { ($0.entry.deadline, $0.id.number) < ($1.entry.deadline, $1.id.number) }
        return due.map(\.entry.action)
    }

    /// How long to sleep, rounded up; a day when there is no timer.
    func millisecondsToNext(from now: UInt64) -> Int32 {
        let day: UInt64 = 86_400_000
        guard !entries.isEmpty, earliest > now else { return entries.isEmpty ? Int32(day) : 0 }
        return Int32(min((earliest - now + 999_999) / 1_000_000, day))
    }
}
