import Events

/// A comparison of two rule sets for people, and as JSON.
package struct RuleSetDiffText {
    private let report: RuleSetDiffReport

    package init(_ report: RuleSetDiffReport) { self.report = report }

    // MARK: Text

    /// - Parameter showsAll: also rules whose counts are the same in both sets.
    package func text(showsAll: Bool) -> String {
        var lines = [headline, ""]
        lines += setChanges
        let table = self.table(showsAll: showsAll)
        if !table.isEmpty { lines += table + [""] }
        for group in report.groups { lines += self.lines(group) + [""] }
        let grouped = report.groups.reduce(0) { $0 + $1.count }
        let all = report.counts.values.reduce(0, +)
        if grouped < all { lines += ["\(all - grouped) further differences are counted above and not shown", ""] }
        lines += notes
        return lines.joined(separator: "\n") + "\n"
    }

    private var headline: String {
        let counts = RuleSetDiffReport.Kind.allCases.map { "\(report.count($0)) \($0.rawValue)" }
        let events = "\(report.events) event\(report.events == 1 ? "" : "s")"
        return "\(events); deliveries: \(counts.joined(separator: ", ")), \(report.unchanged) the same"
    }

    private var setChanges: [String] {
        let lists = [
            ("rules new", report.newRules), ("rules gone", report.goneRules),
            ("destinations new", report.destinations.added), ("destinations gone", report.destinations.removed),
            ("destinations changed", report.destinations.changed),
        ].filter { !$0.1.isEmpty }
        return lists.map { "\($0.0): \($0.1.joined(separator: ", "))" } + (lists.isEmpty ? [] : [""])
    }

    private static let columns: [(title: String, value: KeyPath<RuleTally, Int> & Sendable)] = [
        ("matched", \.matched), ("deliveries", \.deliveries), ("shadow", \.shadows), ("failures", \.failures),
        ("unknown", \.unknown), ("fault", \.fault), ("needs", \.needsMissing), ("gaps", \.gapSkipped),
        ("to read", \.needsReading),
    ]

    private func table(showsAll: Bool) -> [String] {
        let rules = report.rules.filter { showsAll || $0.value.before != $0.value.after }.sorted { $0.key < $1.key }
        guard !rules.isEmpty else { return [] }
        // Columns that are all zero say nothing.
        let columns = Self.columns.filter { column in
            rules.contains { $0.value.before[keyPath: column.value] + $0.value.after[keyPath: column.value] > 0 }
        }
        var rows = [["rule"] + columns.map(\.title)]
        for (rule, tallies) in rules {
            rows.append(
                [rule]
                    + columns.map { column in
                        let (old, new) = (tallies.before[keyPath: column.value], tallies.after[keyPath: column.value])
                        return old == new ? "\(old)" : "\(old) → \(new)"
                    })
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count + 2) }.joined().trimmedEnd
        }
    }

    private func lines(_ group: RuleSetDiffReport.Group) -> [String] {
        let place = group.path.isEmpty ? "" : " in \(group.path)"
        let shadow = group.isShadow ? " (shadow: not sent)" : ""
        let mark = ["added": "+", "removed": "-", "changed": "~", "failing": "!"][group.kind.rawValue] ?? " "
        var lines = [
            "\(mark) \(group.rule) → \(group.destination): \(group.count) \(group.kind.rawValue)\(place)\(shadow)"
        ]
        for sample in group.samples {
            let record = sample.recordID.isEmpty ? "" : " \(sample.recordID)"
            let what = sample.change.isEmpty ? "event" : sample.change
            lines.append(
                "    \(sample.entity) \(what)\(record), \(Timestamp.rfc3339(sample.time)), replay ID \(sample.replayID)"
            )
            switch group.kind {
            case .changed: lines.append("      \(sample.old) → \(sample.new)")
            case .failing: lines.append("      \(sample.new)")
            case .added, .removed: break
            }
        }
        if group.count > group.samples.count { lines.append("    and \(group.count - group.samples.count) more") }
        return lines
    }

    private var notes: [String] {
        var lines: [String] = []
        if report.needReading > 0 {
            lines.append(
                "of \(report.needReading) of the events, rules would read something first (needs: fetch, onGap: fetch, "
                    + "fanOut): nothing was read, and what those rules alone would do is not compared")
        }
        if report.undecodable > 0 { lines.append("could not be decoded: \(report.undecodable)") }
        if let worst = report.latency.worst {
            lines.append(
                "the edited rules take \(Self.words(report.latency.percentile(0.5))) per event (median), "
                    + "\(Self.words(report.latency.percentile(0.99))) (p99), \(Self.words(worst.took)) at worst "
                    + "(replay ID \(worst.replayID))")
        }
        return lines
    }

    /// `850 ns`, `12.4 µs`, `3.1 ms`
    static func words(_ duration: Duration) -> String {
        let nanoseconds = duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
        switch nanoseconds {
        case ..<1_000: return "\(nanoseconds) ns"
        case ..<1_000_000: return "\(nanoseconds / 1_000).\(nanoseconds % 1_000 / 100) µs"
        default: return "\(nanoseconds / 1_000_000).\(nanoseconds % 1_000_000 / 100_000) ms"
        }
    }

    // MARK: JSON

    package var value: Value {
        var deliveries = Fields()
        for kind in RuleSetDiffReport.Kind.allCases {
            deliveries.append(kind.rawValue, .int(Int64(report.count(kind))))
        }
        deliveries.append("unchanged", .int(Int64(report.unchanged)))
        let rules = report.rules.sorted { $0.key < $1.key }.map { rule, tallies in
            Fields.Field(
                name: rule,
                value: .record(["before": Self.value(tallies.before), "after": Self.value(tallies.after)]))
        }
        return .record([
            "different": .bool(report.hasDifference), "events": .int(Int64(report.events)),
            "undecodable": .int(Int64(report.undecodable)), "needReading": .int(Int64(report.needReading)),
            "deliveries": .record(deliveries), "rules": .record(Fields(rules)),
            "newRules": Self.list(report.newRules), "goneRules": Self.list(report.goneRules),
            "destinations": .record([
                "added": Self.list(report.destinations.added), "removed": Self.list(report.destinations.removed),
                "changed": Self.list(report.destinations.changed),
            ]),
            "differences": .list(report.groups.map(Self.value)), "latency": latency,
        ])
    }

    private var latency: Value {
        func microseconds(_ duration: Duration) -> Value {
            .double(Double(duration.components.seconds) * 1e6 + Double(duration.components.attoseconds) / 1e12)
        }
        guard let worst = report.latency.worst else { return .null }
        return .record([
            "p50Microseconds": microseconds(report.latency.percentile(0.5)),
            "p99Microseconds": microseconds(report.latency.percentile(0.99)),
            "worstMicroseconds": microseconds(worst.took), "worstReplayId": .string(worst.replayID),
        ])
    }

    private static func list(_ texts: [String]) -> Value { .list(texts.map(Value.string)) }

    private static func value(_ tally: RuleTally) -> Value {
        .record([
            "matched": .int(Int64(tally.matched)), "deliveries": .int(Int64(tally.deliveries)),
            "shadows": .int(Int64(tally.shadows)), "failures": .int(Int64(tally.failures)),
            "unknown": .int(Int64(tally.unknown)), "fault": .int(Int64(tally.fault)),
            "needsMissing": .int(Int64(tally.needsMissing)), "gapSkipped": .int(Int64(tally.gapSkipped)),
            "needsReading": .int(Int64(tally.needsReading)),
        ])
    }

    private static func value(_ group: RuleSetDiffReport.Group) -> Value {
        .record([
            "kind": .string(group.kind.rawValue), "rule": .string(group.rule),
            "destination": .string(group.destination), "shadow": .bool(group.isShadow), "path": .string(group.path),
            "count": .int(Int64(group.count)), "samples": .list(group.samples.map(value)),
        ])
    }

    private static func value(_ sample: RuleSetDiffReport.Sample) -> Value {
        .record([
            "delivery": .string(sample.deliveryID), "replayId": .string(sample.replayID),
            "entity": .string(sample.entity), "change": .string(sample.change), "recordId": .string(sample.recordID),
            "time": .timestamp(sample.time), "old": .string(sample.old), "new": .string(sample.new),
        ])
    }
}

extension String {
    fileprivate var trimmedEnd: String { String(self[..<(lastIndex { $0 != " " }.map(index(after:)) ?? startIndex)]) }
}
