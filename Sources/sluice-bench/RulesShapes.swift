import Rules

/// The rule sets of the benchmark, as the files an operator would write.
enum RulesShape: String, CaseIterable {
    /// Over all objects: kinds, changed fields, options, prefixes, ranges.
    case spread
    /// One object, owners, half with an option too.
    case hot
    /// One object, one narrow range.
    case broad
    /// One object, owners.
    case uniform
    /// Owners, any object.
    case only
    /// As the examples are written, with `let`, `orDefault`, functions.
    case real

    /// Whether its events are all about one object.
    var isAboutOneEntity: Bool { self == .hot || self == .broad || self == .uniform }

    var sizes: [Int] { self == .real ? [200] : [10, 100, 1_000, 10_000, 100_000] }

    static let rulesPerFile = 1_000

    func files(_ count: Int) -> [RuleSource] {
        var numbers = BenchNumbers(seed: RulesWorkload.seed &+ 1)
        var files = [RuleSource(path: "destinations.yaml", bytes: Array(Self.destinations.utf8))]
        for start in stride(from: 0, to: count, by: Self.rulesPerFile) {
            var text = "sluice: 1\nvars: {large: 90000.0}\nrules:\n"
            for number in start..<min(count, start + Self.rulesPerFile) { text += rule(number, &numbers) }
            files.append(RuleSource(path: "rules-\(start).yaml", bytes: Array(text.utf8)))
        }
        return files
    }

    static let destinations = """
        sluice: 1
        destinations:
          hook: {kind: webhook, url: 'https://hooks.example.com/salesforce'}
        """

    /// One rule of a YAML list.
    func rule(_ number: Int, _ numbers: inout BenchNumbers) -> String {
        let made = self == .real ? real(number, &numbers) : plain(&numbers)
        var text = "  - id: \(rawValue)-\(number)\n    description: Benchmark rule \(number) of the shape \(rawValue).\n"
        text += "    match:\n" + made.match.map { "      \($0)\n" }.joined()
        text += made.more.map { "    \($0)\n" }.joined()
        if let when = made.when { text += "    when: |\n      \(when)\n" }
        text += "    to:\n      destination: hook\n      body:\n        rule: ${rule.id}\n        record: ${recordId}\n"
        return text + "        change: ${event.change}\n"
    }

    private struct Parts {
        var match: [String]
        var more: [String] = []
        var when: String?
    }

    private func plain(_ numbers: inout BenchNumbers) -> Parts {
        let owner = "record.OwnerId == '\(RulesWorkload.owner(numbers.below(RulesWorkload.ownerCount)))'"
        let first = ["entity: \(RulesWorkload.entity(0))", "change: [create, update]"]
        switch self {
        case .hot: return Parts(match: first, when: numbers.chance(0.5) ? owner : "\(owner) && \(option(1, &numbers))")
        case .broad: return Parts(match: first, when: range(width: 1_000, &numbers))
        case .uniform: return Parts(match: first, when: owner)
        case .only: return Parts(match: ["entity: '*'", "change: [create, update, delete, undelete]"], when: owner)
        case .spread, .real: return spread(&numbers)
        }
    }

    private func spread(_ numbers: inout BenchNumbers) -> Parts {
        let entity = RulesWorkload.randomEntity(&numbers)
        let kinds = ["create", "update", "delete", "undelete"].shuffled(using: &numbers).prefix(1 + numbers.below(3))
        var match = ["entity: \(RulesWorkload.entity(entity))", "change: [\(kinds.joined(separator: ", "))]"]
        if kinds.contains("update"), numbers.chance(0.5) {
            let fields = (0...numbers.below(3)).map { _ in field(nil, &numbers) }
            match.append("changed: [\(fields.joined(separator: ", "))]")
        }
        let draw = numbers.below(100)
        let when: String? =
            draw < 40
            ? option(1 + numbers.below(2), &numbers)
            : draw < 50 ? prefix(&numbers) : draw < 70 ? range(width: 10_000, &numbers) : nil
        return Parts(match: match, when: when)
    }

    private func field(_ kind: RulesWorkload.Kind?, _ numbers: inout BenchNumbers) -> String {
        let number = numbers.below(RulesWorkload.fieldCount)
        guard let kind else { return RulesWorkload.field(number) }
        return RulesWorkload.field(number / 4 * 4 + kind.rawValue)
    }

    private func option(_ count: Int, _ numbers: inout BenchNumbers) -> String {
        let field = field(.option, &numbers)
        let options = (0..<count).map { _ in "'\(RulesWorkload.option(numbers.below(10)))'" }
        return count == 1
            ? "record.\(field) == \(options[0])" : "record.\(field) in [\(options.joined(separator: ", "))]"
    }

    private func prefix(_ numbers: inout BenchNumbers) -> String {
        let digits = RulesWorkload.padded(numbers.below(100_000)).prefix(2)
        return "record.\(field(.text, &numbers)).startsWith('\(RulesWorkload.prefixes[numbers.below(4)])\(digits)')"
    }

    private func range(width: Int, _ numbers: inout BenchNumbers) -> String {
        let low = numbers.below(100_000 - width)
        let field = field(.number, &numbers)
        return "record.\(field) >= \(low).0 && record.\(field) < \(low + width).0"
    }

    private func real(_ number: Int, _ numbers: inout BenchNumbers) -> Parts {
        let entity = "entity: \(RulesWorkload.entity(RulesWorkload.randomEntity(&numbers)))"
        let name = field(.option, &numbers)
        let amount = field(.number, &numbers)
        switch number % 6 {
        case 0:
            return Parts(
                match: [entity, "change: [create, update, undelete]", "changed: [\(name), \(amount)]",
                    "ignore: {clients: [CeligoIO]}"],
                when: "record.?\(name).orDefault('Option 1') != '\(RulesWorkload.option(numbers.below(10)))'")
        case 1:
            let option = RulesWorkload.option(numbers.below(10))
            return Parts(
                match: [entity, "change: [create, update]"],
                when: "changedTo('\(name)', '\(option)') && record.\(amount) >= vars.large")
        case 2:
            return Parts(
                match: [entity, "change: [create, update]", "changed: [\(name), \(amount), \(field(.text, &numbers))]"],
                more: ["needs: {fields: [OwnerId]}"])
        case 3:
            return Parts(
                match: [entity, "change: [create, update]"], when: "\(prefix(&numbers)) && \(option(2, &numbers))")
        case 4: return Parts(match: [entity, "change: [delete]"])
        default:
            return Parts(
                match: [entity, "change: [create, update]"],
                more: ["let:", "  size: record.?\(amount).orDefault(0.0) / 1000.0"],
                when: "changed('\(amount)') && let.size > 50.0 && record.?\(name).orDefault('') != ''")
        }
    }
}
