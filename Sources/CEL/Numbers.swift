/// How two numbers lie on the one number line of int, uint and double.
enum NumericOrder {
    case less, same, greater
    /// One of them is NaN.
    case unordered
}

/// Nil when one of the values is not a number.
func compareNumbers(_ left: CELValue, _ right: CELValue) -> NumericOrder? {
    switch (left, right) {
    case (.int(let left), .int(let right)): order(left, right)
    case (.uint(let left), .uint(let right)): order(left, right)
    case (.double(let left), .double(let right)): order(left, right)
    case (.int(let left), .uint(let right)): order(left, right)
    case (.uint(let left), .int(let right)): order(left, right)
    case (.int(let left), .double(let right)): order(left, right)
    case (.uint(let left), .double(let right)): order(left, right)
    case (.double(let left), .int(let right)): reversed(order(right, left))
    case (.double(let left), .uint(let right)): reversed(order(right, left))
    default: nil
    }
}

private func order(_ left: Double, _ right: Double) -> NumericOrder {
    left < right ? .less : left > right ? .greater : left == right ? .same : .unordered
}

/// Integers of both signs compare by value, whatever their type.
private func order(_ left: some BinaryInteger, _ right: some BinaryInteger) -> NumericOrder {
    left < right ? .less : left > right ? .greater : .same
}

/// As doubles: beyond 2^53 an integer is rounded first, which the suite asks for.
private func order(_ left: some FixedWidthInteger, _ right: Double) -> NumericOrder {
    order(Double(left), right)
}

private func reversed(_ order: NumericOrder) -> NumericOrder {
    switch order {
    case .less: .greater
    case .greater: .less
    case .same, .unordered: order
    }
}

/// CEL's order, for `<` and its kin and for `sort`. Nil where the two kinds have no order.
func compareValues(_ left: CELValue, _ right: CELValue) -> NumericOrder? {
    switch (left, right) {
    case (.string(let left), .string(let right)):
        sameText(left, right) ? .same : textPrecedes(left, right) ? .less : .greater
    case (.bool(let left), .bool(let right)): left == right ? .same : right ? .less : .greater
    case (.bytes(let left), .bytes(let right)):
        left == right ? .same : left.lexicographicallyPrecedes(right) ? .less : .greater
    case (.timestamp(let left), .timestamp(let right)): left == right ? .same : left < right ? .less : .greater
    case (.duration(let left), .duration(let right)): order(left.nanoseconds, right.nanoseconds)
    default: compareNumbers(left, right)
    }
}

extension Int64 {
    /// The whole number a double stands for, or nil with a fraction or out of range.
    init?(wholeOf value: Double) {
        guard value >= -9_223_372_036_854_775_808.0, value < 9_223_372_036_854_775_808.0 else { return nil }
        guard value == value.rounded(.towardZero) else { return nil }
        self = Int64(value)
    }
}
