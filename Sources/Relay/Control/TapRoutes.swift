import FoundationEssentials

/// Live events and deliveries.
package enum TapRoutes {
    package static let maximumSample = 1_000_000

    /// - Parameter subjects: what the relay has now.
    static func make(_ hub: TapHub, subjects: @escaping @Sendable () -> TapSubjects) -> [ControlStream] {
        [
            ControlStream("tap") { request throws(ControlError) in
                let filter = try subjects().checked(filter(request))
                let items = try hub.watch(filter)
                return AsyncStream {
                    var iterator = items.makeAsyncIterator()
                    return await iterator.next().map(TapLines.line)
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
