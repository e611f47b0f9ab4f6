import Documents

extension Rule {
    /// Every expression of the rule.
    var expressions: [RuleExpression] {
        lets.map(\.expression) + [when].compactMap { $0 } + deliveries.flatMap { delivery in
            [delivery.when].compactMap { $0 } + Self.expressions(delivery.lane)
                + Self.expressions(delivery.coalesce?.key) + delivery.target.expressions
        }
    }

    static func expressions(_ text: TextTemplate?) -> [RuleExpression] {
        text?.pieces.compactMap { if case .expression(let expression) = $0 { expression } else { nil } } ?? []
    }

    static func expressions(_ template: Template) -> [RuleExpression] {
        switch template {
        case .json: []
        case .expression(let expression): [expression]
        case .text(let text): expressions(text)
        case .list(let elements): elements.flatMap(expressions)
        case .map(let entries): entries.flatMap { expressions($0.value) }
        }
    }
}

extension DeliverySpec.Target {
    var expressions: [RuleExpression] {
        switch self {
        case .webhook(let webhook):
            var found = Rule.expressions(webhook.path) + webhook.headers.flatMap { Rule.expressions($0.value) }
            switch webhook.content {
            case .json(let body): found += Rule.expressions(body)
            case .event(let event):
                found += [event.type, event.source, event.subject].flatMap(Rule.expressions)
                found += Rule.expressions(event.data)
                found += event.extensions.flatMap { Rule.expressions($0.value) }
            }
            return found
        case .flow(let flow):
            switch flow.address {
            case .flow(let id): return Rule.expressions(id) + Rule.expressions(flow.data)
            case .fanOut(let fanOut): return Rule.expressions(fanOut.user) + Rule.expressions(flow.data)
            }
        case .listener(_, let body): return Rule.expressions(body)
        case .run(let run): return Rule.expressions(run.flow) + [run.from, run.until].compactMap { $0?.expression }
        }
    }
}

extension RuleSet {
    /// Rules about an object or platform event that name any of its fields, in order.
    ///
    /// - Parameter fields: API names.
    package func rules(using fields: [String], of entity: String) -> [String] {
        let wanted = Set(fields)
        guard !wanted.isEmpty else { return [] }
        return rules.filter { $0.mode != .off && $0.match.isAbout(entity) && !$0.fieldWords.isDisjoint(with: wanted) }
            .map(\.id)
    }
}

extension MatchBlock {
    fileprivate func isAbout(_ entity: String) -> Bool {
        switch subject {
        case .anyEntity: true
        case .entities(let names), .events(let names): names.contains(entity)
        }
    }
}

extension Rule {
    /// Words that can be names of fields: a string such as `'x Amount'` may count one too many, and none is left out.
    fileprivate var fieldWords: Set<String> {
        var words: Set<String> = []
        let named = [match.changed?.any, match.changed?.all, match.changed?.none, match.changed?.only].compactMap { $0 }
        for field in named.joined() + match.cleared + (needs?.fields ?? []) { words.insert(field.path[0]) }
        for expression in expressions {
            for word in expression.source.text.split(whereSeparator: { !($0.isLetter || $0.isNumber || $0 == "_") }) {
                words.insert(String(word))
            }
        }
        return words
    }
}
