/// The elements a comprehension walks over: first and second variable of each step.
private struct Steps {
    let firsts: [CELKey]?
    let seconds: [CELValue]

    /// A list gives (index, element); a map or host object gives (key, value).
    init(_ value: CELValue, _ frame: CELFrame, at range: Range<Int>) throws(CELError) {
        switch value {
        case .list(let elements):
            firsts = nil
            seconds = elements
        case .map(let map):
            firsts = map.keys
            seconds = map.values
        case .object(let object):
            let members = try object.presentMembers()
            try frame.charge(items: members.count)
            firsts = members.map { .string($0.name) }
            seconds = members.map(\.value)
        default: throw noOverload("a comprehension", [value], at: range)
        }
    }

    func key(_ index: Int) -> CELValue { firsts?[index].value ?? .int(Int64(index)) }

    /// What the one-variable forms see: a list's elements, a map's keys.
    func single(_ index: Int) -> CELValue { firsts?[index].value ?? seconds[index] }
}

/// The macros that walk over a list, map or host object.
final class ComprehensionNode: Node {
    let kind: CELMacro.Kind
    let source: any Node
    let filter: (any Node)?
    let result: (any Node)?
    /// Where the variables live in the frame; the second is nil in one-variable forms.
    let first: Int
    let second: Int?
    let range: Range<Int>

    init(
        _ kind: CELMacro.Kind, over source: any Node, filter: (any Node)?, result: (any Node)?, first: Int,
        second: Int?, _ range: Range<Int>
    ) {
        self.kind = kind
        self.source = source
        self.filter = filter
        self.result = result
        self.first = first
        self.second = second
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        switch kind {
        case .all: .bool(try quantify(frame, decisive: false))
        case .exists: .bool(try quantify(frame, decisive: true))
        case .existsOne: .bool(try count(frame) == 1)
        case .transformMap: .map(try transformedMap(frame))
        default: .list(try transformedList(frame))
        }
    }

    private func bind(_ steps: Steps, _ index: Int, _ frame: CELFrame) throws(CELError) {
        try frame.charge(1)
        if let second {
            frame.locals[first] = steps.key(index)
            frame.locals[second] = steps.seconds[index]
        } else {
            frame.locals[first] = steps.single(index)
        }
    }

    /// Like `&&` and `||` over the elements: a deciding element wins over one that failed.
    private func quantify(_ frame: CELFrame, decisive: Bool) throws(CELError) -> Bool {
        let steps = try Steps(try source.evaluate(frame), frame, at: source.range)
        guard let filter else { preconditionFailure("quantifiers have a condition") }
        var failure: CELError?
        for index in steps.seconds.indices {
            try bind(steps, index, frame)
            do {
                if try filter.condition(frame) == decisive { return decisive }
            } catch {
                if error.kind == .costLimit { throw error }
                if failure == nil { failure = error }
            }
        }
        if let failure { throw failure }
        return !decisive
    }

    private func count(_ frame: CELFrame) throws(CELError) -> Int {
        let steps = try Steps(try source.evaluate(frame), frame, at: source.range)
        var count = 0
        for index in steps.seconds.indices {
            try bind(steps, index, frame)
            if try passes(frame) { count += 1 }
        }
        return count
    }

    private func transformedList(_ frame: CELFrame) throws(CELError) -> [CELValue] {
        let steps = try Steps(try source.evaluate(frame), frame, at: source.range)
        try frame.charge(10)
        var results: [CELValue] = []
        for index in steps.seconds.indices {
            try bind(steps, index, frame)
            guard try passes(frame) else { continue }
            results.append(try result?.evaluate(frame) ?? steps.single(index))
        }
        return results
    }

    private func transformedMap(_ frame: CELFrame) throws(CELError) -> CELMap {
        let steps = try Steps(try source.evaluate(frame), frame, at: source.range)
        try frame.charge(30)
        var builder = CELMap.Builder()
        for index in steps.seconds.indices {
            try bind(steps, index, frame)
            guard try passes(frame) else { continue }
            let key = try mapKey(steps.key(index), at: source.range)
            try frame.charge(key: key)
            builder.set(key, try result?.evaluate(frame) ?? steps.seconds[index])
        }
        return builder.build()
    }

    private func passes(_ frame: CELFrame) throws(CELError) -> Bool { try filter?.condition(frame) ?? true }
}

/// `cel.bind(name, value, result)`
final class BindNode: Node {
    let value: any Node
    let result: any Node
    let local: Int
    let range: Range<Int>

    init(_ value: any Node, _ result: any Node, local: Int, _ range: Range<Int>) {
        self.value = value
        self.result = result
        self.local = local
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        frame.locals[local] = try value.evaluate(frame)
        return try result.evaluate(frame)
    }
}

/// `optional.optMap(name, result)` and `optional.optFlatMap(name, result)`
final class OptionalMapNode: Node {
    let operand: any Node
    let result: any Node
    let local: Int
    /// The result is an optional already.
    let isFlat: Bool
    let range: Range<Int>

    init(_ operand: any Node, _ result: any Node, local: Int, isFlat: Bool, _ range: Range<Int>) {
        self.operand = operand
        self.result = result
        self.local = local
        self.isFlat = isFlat
        self.range = range
    }

    func evaluate(_ frame: CELFrame) throws(CELError) -> CELValue {
        let operand = try operand.evaluate(frame)
        guard case .optional(let inner) = operand else {
            throw noOverload(isFlat ? "'optFlatMap'" : "'optMap'", [operand], at: range)
        }
        guard let inner else { return .optional(nil) }
        frame.locals[local] = inner
        let value = try result.evaluate(frame)
        guard isFlat else { return .optional(value) }
        guard case .optional = value else { throw noOverload("'optFlatMap'", [operand, value], at: range) }
        return value
    }
}
