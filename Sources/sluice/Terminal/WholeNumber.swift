import ArgumentParser

/// A whole number within bounds, for `@Option(parsing: .unconditional, transform:)`: the parser takes `--limit -1` for an
/// option without a value otherwise.
struct WholeNumber {
    let range: ClosedRange<Int>

    static let atLeastOne = WholeNumber(range: 1...Int.max)
    static let atLeastZero = WholeNumber(range: 0...Int.max)

    @Sendable func parse(_ text: String) throws -> Int {
        guard let number = Int(text), range.contains(number) else {
            let bounds =
                range.upperBound == .max ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
            throw ValidationError("it takes a whole number \(bounds).")
        }
        return number
    }
}
