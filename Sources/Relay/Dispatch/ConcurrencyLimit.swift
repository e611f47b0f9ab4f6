/// How many attempts a destination is given at the same time.
package enum Concurrency: Sendable, Equatable, ExpressibleByIntegerLiteral {
    package static let bounds = 1...256

    case fixed(Int)
    /// Found out while it runs: `AdaptiveLimit`.
    case adaptive

    package init(integerLiteral value: Int) { self = .fixed(value) }

    var isValid: Bool {
        if case .fixed(let count) = self { Self.bounds.contains(count) } else { true }
    }
}

/// The number in force at the moment. No clock.
enum ConcurrencyLimit {
    /// No rule file names the destination: nothing is tried.
    case closed
    case fixed(Int)
    case adaptive(AdaptiveLimit)

    var value: Int {
        switch self {
        case .closed: 0
        case .fixed(let count): count
        case .adaptive(let limit): limit.limit
        }
    }

    var isAdaptive: Bool {
        if case .adaptive = self { true } else { false }
    }

    /// What was learned stays while the setting does.
    mutating func set(_ concurrency: Concurrency?) {
        switch concurrency {
        case nil: self = .closed
        case .fixed(let count): self = .fixed(count)
        case .adaptive: if !isAdaptive { self = .adaptive(AdaptiveLimit()) }
        }
    }

    mutating func finished(milliseconds: Int64, isOverload: Bool, inFlight: Int) {
        guard case .adaptive(var limit) = self else { return }
        limit.finished(milliseconds: milliseconds, isOverload: isOverload, inFlight: inFlight)
        self = .adaptive(limit)
    }
}
