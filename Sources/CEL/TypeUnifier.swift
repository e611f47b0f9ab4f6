/// What type variables stand for, and which types may be used as which others.
/// Source: the inference rules of the reference checker (cel-go), on which the suite's deduced types rest.
struct TypeUnifier {
    private var substitutions: [Int: CELType] = [:]
    private var nextVariable = 0

    mutating func freshVariable() -> CELType {
        nextVariable += 1
        return .variable(nextVariable)
    }

    /// An overload's types with its parameters replaced by fresh variables.
    mutating func instantiate(_ types: [CELType]) -> [CELType] {
        var names: [String: CELType] = [:]
        return types.map { instantiate($0, &names) }
    }

    private mutating func instantiate(_ type: CELType, _ names: inout [String: CELType]) -> CELType {
        if case .parameter(let name) = type {
            if let known = names[name] { return known }
            let variable = freshVariable()
            names[name] = variable
            return variable
        }
        return type.mappingParts { instantiate($0, &names) }
    }

    /// The type with every variable replaced by what it stands for.
    /// - Parameter toDyn: whether variables that stand for nothing become `dyn`.
    func substitute(_ type: CELType, toDyn: Bool = false) -> CELType {
        if case .variable(let id) = type {
            guard let known = substitutions[id] else { return toDyn ? .dyn : type }
            return substitute(known, toDyn: toDyn)
        }
        return type.mappingParts { substitute($0, toDyn: toDyn) }
    }

    /// Whether values of the given types may be used where the wanted types are; variables are bound only if so.
    mutating func assign(_ given: [CELType], to wanted: [CELType]) -> Bool {
        var attempt = self
        guard given.count == wanted.count else { return false }
        for (given, wanted) in zip(given, wanted) where !attempt.isAssignable(wanted, given) { return false }
        self = attempt
        return true
    }

    mutating func assign(_ given: CELType, to wanted: CELType) -> Bool { assign([given], to: [wanted]) }

    /// One type for both branches of a conditional or two elements of a list; `dyn` when they have none in common.
    mutating func join(_ first: CELType, _ second: CELType) -> CELType {
        assign(second, to: first) ? Self.mostGeneral(first, second) : .dyn
    }

    private mutating func isAssignable(_ left: CELType, _ right: CELType) -> Bool {
        if case .variable(let id) = right {
            let (fits, isKnown) = bind(id, to: left)
            if fits { return true }
            if isKnown { return false }
        }
        if case .variable(let id) = left { return bind(id, to: right).fits }
        switch (left, right) {
        case (.dyn, _), (_, .dyn): return true
        case (.null, .null): return true
        case (.null, let other), (let other, .null): return other.takesNull
        case (.nullable(let left), .nullable(let right)): return isAssignable(left, right)
        case (.nullable(let left), let right), (let right, .nullable(let left)): return isAssignable(left, right)
        case (.list(let left), .list(let right)), (.optional(let left), .optional(let right)):
            return isAssignable(left, right)
        case (.type, .type): return true
        case (.map(let leftKey, let left), .map(let rightKey, let right)):
            return isAssignable(leftKey, rightKey) && isAssignable(left, right)
        // A host object is read like a map of its members.
        case (.map(let key, _), .object), (.object, .map(let key, _)): return isAssignable(key, .string)
        case (.abstract(let left, let leftParts), .abstract(let right, let rightParts)):
            guard left == right, leftParts.count == rightParts.count else { return false }
            for (left, right) in zip(leftParts, rightParts) where !isAssignable(left, right) { return false }
            return true
        default: return left == right
        }
    }

    /// Lets a variable stand for a type, or for the more general of that and what it stood for.
    private mutating func bind(_ id: Int, to type: CELType) -> (fits: Bool, isKnown: Bool) {
        if type == .variable(id) { return (true, true) }
        if let known = substitutions[id] {
            if type == known { return (true, true) }
            guard isAssignable(type, known) else { return (false, true) }
            let general = Self.mostGeneral(type, known)
            if !occurs(id, in: general) { substitutions[id] = general }
            return (true, true)
        }
        guard !occurs(id, in: type) else { return (false, false) }
        substitutions[id] = type
        return (true, false)
    }

    private func occurs(_ id: Int, in type: CELType) -> Bool {
        if case .variable(let other) = type {
            if other == id { return true }
            return substitutions[other].map { occurs(id, in: $0) } ?? false
        }
        return type.parts.contains { occurs(id, in: $0) }
    }

    private static func mostGeneral(_ first: CELType, _ second: CELType) -> CELType {
        if second == .null, first.takesNull { return first }
        if case .nullable(second) = first { return first }
        return isAtLeastAsGeneral(first, second) ? first : second
    }

    private static func isAtLeastAsGeneral(_ first: CELType, _ second: CELType) -> Bool {
        switch (first, second) {
        case (.dyn, _), (.variable, _): return true
        case (_, .dyn), (_, .variable): return false
        case (.type, .type): return true
        case (.list, .list), (.map, .map), (.optional, .optional), (.nullable, .nullable), (.abstract, .abstract):
            let (left, right) = (first.parts, second.parts)
            return left.count == right.count && zip(left, right).allSatisfy { isAtLeastAsGeneral($0, $1) }
        default: return first == second
        }
    }
}

extension CELType {
    var parts: [CELType] {
        switch self {
        case .list(let part), .optional(let part), .type(let part), .nullable(let part): [part]
        case .map(let key, let value): [key, value]
        case .abstract(_, let parts): parts
        default: []
        }
    }

    func mappingParts(_ change: (CELType) -> CELType) -> CELType {
        switch self {
        case .list(let part): .list(change(part))
        case .optional(let part): .optional(change(part))
        case .type(let part): .type(change(part))
        case .nullable(let part): .nullable(change(part))
        case .map(let key, let value): .map(change(key), change(value))
        case .abstract(let name, let parts): .abstract(name, parts.map(change))
        default: self
        }
    }

    /// Types that may be null: for historical reasons also times and abstract types.
    var takesNull: Bool {
        switch self {
        case .null, .dyn, .nullable, .timestamp, .duration, .optional, .abstract, .object: true
        default: false
        }
    }
}
