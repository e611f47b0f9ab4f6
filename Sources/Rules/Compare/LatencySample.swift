import Events

/// How long events took. Times are counted in classes at most 1/16 wide, so that any number of them fits in 8 KiB; the
/// longest is kept as it is.
package struct LatencySample: Sendable {
    private static let perOctave: UInt64 = 16

    package private(set) var count = 0
    /// Nil before the first.
    package private(set) var worst: (took: Duration, replayID: String)?
    private var classes = [Int](repeating: 0, count: 64 * Int(perOctave))

    package init() {}

    package mutating func add(_ took: Duration, of event: Event) {
        count += 1
        classes[Self.index(UInt64(max(0, took.nanoseconds)))] += 1
        if took > worst?.took ?? .seconds(-1) { worst = (took, event.replayID.description) }
    }

    /// The upper end of the class in which that share of all times ends, and never more than the longest.
    ///
    /// - Parameter share: 0.5 for the median.
    package func percentile(_ share: Double) -> Duration {
        guard count > 0, let worst else { return .zero }
        var rest = max(1, Int((Double(count) * share).rounded(.up)))
        for (index, number) in classes.enumerated() {
            rest -= number
            if rest <= 0 { return min(.nanoseconds(Int64(Self.end(index))), worst.took) }
        }
        return worst.took
    }

    /// The first 16 nanoseconds one by one, then 16 classes for each doubling.
    private static func index(_ nanoseconds: UInt64) -> Int {
        guard nanoseconds >= perOctave else { return Int(nanoseconds) }
        let exponent = UInt64(63 - nanoseconds.leadingZeroBitCount)
        return Int((exponent - 3) * perOctave + (nanoseconds >> (exponent - 4)) & (perOctave - 1))
    }

    private static func end(_ index: Int) -> UInt64 {
        let (octave, place) = UInt64(index).quotientAndRemainder(dividingBy: perOctave)
        guard octave > 0 else { return place }
        return ((perOctave + place + 1) << (octave - 1)) - 1
    }
}

extension Duration {
    /// Whole nanoseconds; of less than 292 years.
    fileprivate var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
