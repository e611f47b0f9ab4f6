import FoundationEssentials

/// Live events and deliveries.
package enum TapRoutes {
    package static let maximumSample = 1_000_000

    package static func make(_ hub: TapHub) -> [ControlStream] {
        [
            ControlStream("tap") { request throws(ControlError) in
                let items = try hub.watch(try filter(request))
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
