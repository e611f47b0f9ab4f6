/// Finds the ranges that a number lies in.
///
/// The bounds cut the number line into elementary intervals, each with the list of its ranges: one binary search finds
/// all. Where many ranges overlap, those lists would grow with the square of the rules; then it is an interval tree.
final class RangeTable: Sendable {
    struct Entry: Sendable {
        var range: NumberRange
        var posting: Posting
    }

    /// How many list entries there may be for each range before the tree takes over.
    static let maximumEntriesPerRange = 8

    /// Where elementary intervals begin, sorted; each ends where the next begins.
    private let cuts: [Double]
    private let lists: [PostingRange]
    private let postings: [Posting]
    private let tree: IntervalTree?

    init(_ entries: [Entry]) {
        // Below what `isEmpty` leaves out there is nothing: a range is not empty here.
        let cuts = Set(entries.flatMap { [$0.range.low, $0.range.high.nextUp] }).sorted()
        var spans: [Range<Int>] = []
        for entry in entries {
            spans.append(Self.index(of: entry.range.low, in: cuts)..<Self.end(of: entry.range, in: cuts))
        }
        let total = spans.reduce(0) { $0 + $1.count }
        guard total <= Self.maximumEntriesPerRange * max(entries.count, 1) else {
            (self.cuts, lists, postings) = ([], [], [])
            tree = IntervalTree(entries)
            return
        }
        var sizes = [Int](repeating: 0, count: cuts.count)
        for span in spans { for index in span { sizes[index] += 1 } }
        var lists: [PostingRange] = []
        var start = 0
        for size in sizes {
            lists.append(PostingRange(start: UInt32(start), end: UInt32(start)))
            start += size
        }
        var postings = [Posting](repeating: Posting(rule: 0), count: total)
        for (entry, span) in zip(entries, spans) {
            for index in span {
                postings[Int(lists[index].end)] = entry.posting
                lists[index].end += 1
            }
        }
        (self.cuts, self.lists, self.postings) = (cuts, lists, postings)
        tree = nil
    }

    @inline(__always)
    func forEach(containing number: Double, _ body: (Posting) -> Void) {
        if let tree { return tree.forEach(containing: number, body) }
        guard let first = cuts.first, number >= first else { return }
        let list = lists[Self.index(of: number, in: cuts)]
        for index in list.indices { body(postings[index]) }
    }

    /// The last cut that is not above a number.
    ///
    /// - Precondition: the first one is not.
    private static func index(of number: Double, in cuts: [Double]) -> Int {
        var low = 0
        var high = cuts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if cuts[middle] <= number { low = middle } else { high = middle }
        }
        return low
    }

    private static func end(of range: NumberRange, in cuts: [Double]) -> Int {
        range.high == .infinity ? cuts.count : index(of: range.high.nextUp, in: cuts)
    }
}

/// A centered interval tree: two entries per range, O(log n + hits) per look-up.
final class IntervalTree: Sendable {
    private struct Node: Sendable {
        var center: Double
        /// The ranges around the center: `byLow` and `byHigh` hold each of them once.
        var entries = PostingRange()
        var left: Int32 = -1
        var right: Int32 = -1
    }

    private struct Bound: Sendable {
        var bound: Double
        var posting: Posting
    }

    private let nodes: [Node]
    /// Ascending lower bounds, node by node.
    private let byLow: [Bound]
    /// Descending upper bounds, node by node.
    private let byHigh: [Bound]

    init(_ entries: [RangeTable.Entry]) {
        var builder = Builder()
        _ = builder.add(entries)
        (nodes, byLow, byHigh) = (builder.nodes, builder.byLow, builder.byHigh)
    }

    func forEach(containing number: Double, _ body: (Posting) -> Void) {
        guard !number.isNaN else { return }
        var index = nodes.isEmpty ? -1 : 0
        while index >= 0 {
            let node = nodes[index]
            if number <= node.center {
                for entry in node.entries.indices {
                    guard byLow[entry].bound <= number else { break }
                    body(byLow[entry].posting)
                }
                index = Int(number == node.center ? -1 : node.left)
            } else {
                for entry in node.entries.indices {
                    guard byHigh[entry].bound >= number else { break }
                    body(byHigh[entry].posting)
                }
                index = Int(node.right)
            }
        }
    }

    private struct Builder {
        var nodes: [Node] = []
        var byLow: [Bound] = []
        var byHigh: [Bound] = []

        /// The middle of all bounds is the center, so that each side has at most half of the ranges: depth is
        /// logarithmic.
        mutating func add(_ entries: [RangeTable.Entry]) -> Int32 {
            guard !entries.isEmpty else { return -1 }
            let bounds = entries.flatMap { [$0.range.low, $0.range.high] }.sorted()
            let center = bounds[bounds.count / 2]
            let here = entries.filter { $0.range.contains(center) }
            let index = nodes.count
            nodes.append(Node(center: center))
            nodes[index].entries.start = UInt32(byLow.count)
            byLow += here.map { Bound(bound: $0.range.low, posting: $0.posting) }.sorted { $0.bound < $1.bound }
            byHigh += here.map { Bound(bound: $0.range.high, posting: $0.posting) }.sorted { $0.bound > $1.bound }
            nodes[index].entries.end = UInt32(byLow.count)
            nodes[index].left = add(entries.filter { $0.range.high < center })
            nodes[index].right = add(entries.filter { $0.range.low > center })
            return Int32(index)
        }
    }
}
