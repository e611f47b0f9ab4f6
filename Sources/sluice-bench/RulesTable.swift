import Foundation

/// What the benchmark of the rules prints.
enum RulesTable {
    struct Bar {
        var text: String
        var isMet: Bool

        init(_ name: String, _ value: Double, atMost bar: Double, _ unit: String = "") {
            isMet = value <= bar
            text = (isMet ? "met     " : "MISSED  ") + name + ": " + RulesTable.number(value) + unit + ", bar "
                + RulesTable.number(bar) + unit + (bar > 0 ? " (" + RulesTable.number(value / bar) + " of it)" : "")
        }
    }

    /// Same machine, 10,000 rules, microseconds per event; the best of each range.
    /// Source: design of the rule files, section 15.1.
    private static let eventRuler: [RulesShape: Double] = [.spread: 91, .hot: 416, .broad: 325, .uniform: 292]

    static let head =
        "shape       rules   events/s  µs/event     p50     p99    base  +decode  candid.  matches  alloc.  differ\n"
        + String(repeating: "-", count: 104)

    static func line(_ row: RulesBench.Row) -> String {
        row.shape.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)
            + [
                (String(row.size), 9), (String(Int(1e6 / row.microseconds)), 11), (number(row.microseconds), 10),
                (number(row.median), 8), (number(row.percentile99), 8), (number(row.base), 8),
                (number(row.decodedMicroseconds), 9), (number(row.candidates), 9), (number(row.matches), 9),
                (number(row.allocations), 8), (String(row.differences), 8),
            ].map { String(repeating: " ", count: max(1, $1 - $0.count)) + $0 }.joined()
    }

    static func bars(_ rows: [RulesBench.Row]) -> [Bar] {
        var bars: [Bar] = []
        for row in rows where row.size == 10_000 {
            bars.append(
                Bar("match only, \(row.shape.rawValue)", row.microseconds, atMost: 2 + 0.1 * row.matches, " µs"))
            if let ruler = eventRuler[row.shape] {
                bars.append(
                    Bar("decoding and matching, \(row.shape.rawValue), event-ruler as bar", row.decodedMicroseconds,
                        atMost: ruler, " µs"))
            }
        }
        for shape in RulesShape.allCases {
            bars += growth(rows.filter { $0.shape == shape }, 10, 10_000, atMost: 3)
            bars += growth(rows.filter { $0.shape == shape }, 10_000, 100_000, atMost: 4)
        }
        let differences = rows.reduce(0) { $0 + $1.differences }
        bars.append(Bar("events where index and scan differ", Double(differences), atMost: 0))
        for row in rows where row.shape != .real && row.allocations > 0 {
            bars.append(Bar("allocations, \(row.shape.rawValue) \(row.size)", row.allocations, atMost: 0))
        }
        return bars
    }

    private static func growth(_ rows: [RulesBench.Row], _ small: Int, _ large: Int, atMost bar: Double) -> [Bar] {
        guard let first = rows.first(where: { $0.size == small }), let last = rows.first(where: { $0.size == large })
        else { return [] }
        let name = "growth from \(small) to \(large) rules, \(first.shape.rawValue)"
        return [Bar(name, last.base / first.base, atMost: bar)]
    }

    static func number(_ number: Double) -> String {
        String(format: number < 10 ? "%.2f" : number < 1_000 ? "%.1f" : "%.0f", number)
    }
}
