import Events
import SalesforceREST

/// Says of each record what became of it, and at the end of all together.
struct SalesforceWriteReport {
    enum Verb: String {
        case create
        case update
        case upsert
        case delete

        var done: String { rawValue + (self == .upsert ? "ed" : "d") }
    }

    let verb: Verb
    let object: String
    let json: Bool
    /// Of the records, where they were known before; else empty.
    let ids: [String]
    private var number = 0
    private var counts = Counts()

    private struct Counts {
        var created = 0
        var saved = 0
        var failed = 0
        var unknown = 0
        var unsent = 0
    }

    init(_ verb: Verb, _ object: String, json: Bool, ids: [String] = []) {
        self.verb = verb
        self.object = object
        self.json = json
        self.ids = ids
    }

    /// - Parameter outcomes: of the next records.
    mutating func add(_ outcomes: [CollectionWriter.Outcome]) {
        for outcome in outcomes { count(outcome) }
        if json {
            for (place, outcome) in outcomes.enumerated() { printJSON(.record(value(number + place, outcome))) }
        } else {
            var rest = outcomes[...]
            while let first = rest.first {
                let alike = rest.prefix { $0 == first && !isDone(first) }
                let count = max(1, alike.count)
                Terminal.output.write(line(number + rest.startIndex, count, first))
                rest = rest.dropFirst(count)
            }
        }
        number += outcomes.count
    }

    /// Of the one record that was written by a call of its own.
    func show(_ saved: RESTClient.Saved) {
        if json { return printJSON(.record(value(0, .done(saved)))) }
        let id = saved.id.isEmpty ? "" : " \(saved.id)"
        Terminal.output.write("\(word(saved).capitalizedFirst) \(object)\(id).\n")
    }

    /// - Parameter ended: why the rest was not sent.
    func finish(_ ended: RESTError?) throws {
        guard counts.failed + counts.unknown + counts.unsent > 0 else {
            if !json { Terminal.output.write("\(summary.capitalizedFirst) of \(object).\n") }
            return
        }
        var parts = ["\(summary) of \(object)"]
        if counts.failed > 0 { parts.append("\(counts.failed) failed") }
        if counts.unknown > 0 { parts.append("of \(counts.unknown) it is not known") }
        if counts.unsent > 0 { parts.append("\(counts.unsent) were not sent") }
        var message = parts.joined(separator: ", ") + ", see above."
        if counts.unknown > 0 { message += " Look in Salesforce before you send what is not known again." }
        throw CommandFailure(code(ended), message)
    }

    /// What was done counts more than what stopped the rest.
    private func code(_ ended: RESTError?) -> CommandFailure.Code {
        guard let ended else { return .failed }
        let code = CommandFailure(ended).code
        return code == .badInput && counts.created + counts.saved > 0 ? .failed : code
    }

    /// `created 3 of 4 records`, of upserts `created 1 and updated 2 of 4 records`
    private var summary: String {
        let total = number == counts.created + counts.saved ? "" : " of \(number)"
        let words = number == 1 ? "record" : "records"
        guard verb == .upsert else {
            return "\(verb.done) \(counts.created + counts.saved)\(total) \(words)"
        }
        return "created \(counts.created) and updated \(counts.saved)\(total) \(words)"
    }

    private mutating func count(_ outcome: CollectionWriter.Outcome) {
        switch outcome {
        case .done(let saved) where saved.isCreated: counts.created += 1
        case _ where isDone(outcome): counts.saved += 1
        case .done, .failed: counts.failed += 1
        case .unknown: counts.unknown += 1
        case .unsent: counts.unsent += 1
        }
    }

    // MARK: One record

    private func line(_ place: Int, _ count: Int, _ outcome: CollectionWriter.Outcome) -> String {
        let who = count > 1 ? "records \(place + 1) to \(place + count)" : "record \(place + 1)"
        let known = ids.dropFirst(place).prefix(count)
        let shown = known.prefix(3).joined(separator: ", ") + (known.count > 3 ? ", …" : "")
        let named = known.isEmpty ? "" : " (\(shown))"
        return "\(who)\(named): \(what(outcome))\n"
    }

    private func what(_ outcome: CollectionWriter.Outcome) -> String {
        switch outcome {
        case .done(let saved): "\(word(saved))\(ids.isEmpty ? " \(saved.id)" : "")"
        case .failed where isDone(outcome): "was deleted already"
        case .failed(let error): "not \(verb.done): \(error.reason.printable)"
        case .unknown(let error): "not known whether \(verb.done): \(error.reason.printable)"
        case .unsent: "not sent"
        }
    }

    /// What was to be deleted and is gone is as it was wished; an earlier try may have done it.
    private func isDone(_ outcome: CollectionWriter.Outcome) -> Bool {
        switch outcome {
        case .done: true
        case .failed(let error): verb == .delete && error.code == "ENTITY_IS_DELETED"
        case .unknown, .unsent: false
        }
    }

    private func word(_ saved: RESTClient.Saved) -> String {
        verb == .upsert ? saved.isCreated ? "created" : "updated" : verb.done
    }

    private func id(_ place: Int, _ outcome: CollectionWriter.Outcome) -> String {
        if case .done(let saved) = outcome, !saved.id.isEmpty { return saved.id }
        return ids.indices.contains(place) ? ids[place] : ""
    }

    private func value(_ place: Int, _ outcome: CollectionWriter.Outcome) -> Fields {
        var value: Fields = ["record": .int(Int64(place + 1))]
        let id = id(place, outcome)
        if !id.isEmpty { value["id"] = .string(id) }
        switch outcome {
        case .done(let saved): value["result"] = .string(word(saved))
        case .failed where isDone(outcome): value["result"] = .string(verb.done)
        case .failed(let error):
            value["result"] = .string("failed")
            value["code"] = .string(error.code)
            value["error"] = .string(error.reason)
            value["fields"] = .list(error.fields.map(Value.string))
        case .unknown(let error):
            value["result"] = .string("unknown")
            value["error"] = .string(error.reason)
        case .unsent: value["result"] = .string("unsent")
        }
        return value
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
