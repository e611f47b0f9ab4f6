import DequeModule

/// Lanes that may be tried, those of one topic in order of their coming, topics in turn: so that a topic which catches
/// up with thousands of records does not hold up the few of another one.
struct TurnQueue {
    private final class Line {
        let topic: String
        var lanes: Deque<Lane> = []

        init(topic: String) { self.topic = topic }
    }

    /// By topic; they stay, being few.
    private var lines: [String: Line] = [:]
    /// With somebody in line; who was served goes to the end.
    private var turns: Deque<Line> = []
    /// The one that was asked for last, which most often is the one that is asked for next.
    private var latest: Line?
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ lane: Lane) {
        let line = line(lane.topic)
        if line.lanes.isEmpty { turns.append(line) }
        line.lanes.append(lane)
        count += 1
    }

    mutating func prepend(_ lane: Lane) {
        let line = line(lane.topic)
        if line.lanes.isEmpty { turns.prepend(line) }
        line.lanes.prepend(lane)
        count += 1
    }

    mutating func popFirst() -> Lane? {
        guard let line = turns.popFirst(), let lane = line.lanes.popFirst() else { return nil }
        count -= 1
        if !line.lanes.isEmpty { turns.append(line) }
        return lane
    }

    private mutating func line(_ topic: String) -> Line {
        if let latest, latest.topic == topic { return latest }
        let line = lines[topic] ?? Line(topic: topic)
        lines[topic] = line
        latest = line
        return line
    }
}
