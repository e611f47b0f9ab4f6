import Events
import FoundationEssentials
import Rules

/// Live events and deliveries.
package enum TapRoutes {
    package static let maximumSample = 1_000_000

    /// - Parameters:
    ///   - subjects: what the relay has now.
    ///   - shown: how much of an event's record the rules of now let be seen.
    static func make(
        _ hub: TapHub, subjects: @escaping @Sendable () -> TapSubjects,
        shown: @escaping @Sendable (Event) -> BodyDisplay
    ) -> [ControlStream] {
        [
            ControlStream("tap") { request throws(ControlError) in
                let filter = try subjects().checked(filter(request))
                let items = try hub.watch(filter)
                return AsyncStream {
                    var iterator = items.makeAsyncIterator()
                    return await iterator.next().map { TapLines.line($0, shown: shown) }
                }
            }
        ]
    }

    private static func filter(_ request: [UInt8]) throws(ControlError) -> TapFilter {
        guard let filter = try? JSONDecoder().decode(TapFilter.self, from: Data(request)) else {
            throw ControlError(.badInput, "tap: the request is not what this version of sluice expects")
        }
        guard (1...maximumSample).contains(filter.sample) else {
            throw ControlError(.badInput, "tap: a sample is 1 of at least 1 and at most \(maximumSample)")
        }
        return filter
    }
}
