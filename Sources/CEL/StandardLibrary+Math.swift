extension StandardLibrary {
    private static let numbers: [CELType] = [.int, .uint, .double]

    static let mathFunctions: [CELFunction] = [
        extremum("math.greatest", keeps: .greater), extremum("math.least", keeps: .less),
        rounding("math.ceil", .up), rounding("math.floor", .down), rounding("math.trunc", .towardZero),
        rounding("math.round", .toNearestOrAwayFromZero),
        test("math.isNaN") { $0.isNaN }, test("math.isInf") { $0.isInfinite }, test("math.isFinite") { $0.isFinite },
        CELFunction("math.abs", numbers.map { .global($0, returns: $0) }, .unary(abs)),
        CELFunction("math.sign", numbers.map { .global($0, returns: $0) }, .unary(sign)),
        CELFunction(
            "math.sqrt", numbers.map { .global($0, returns: .double) },
            .unary { value, _ in
                switch value {
                case .int(let number): .double(Double(number).squareRoot())
                case .uint(let number): .double(Double(number).squareRoot())
                case .double(let number): .double(number.squareRoot())
                default: nil
                }
            }),
    ]

    /// One or more numbers, or one list of numbers.
    private static func extremum(_ name: String, keeps order: NumericOrder) -> CELFunction {
        let several = [CELOverload.variadic(.dyn, .dyn, .dyn, returns: .dyn)]
        let pairs = numbers.flatMap { left in
            numbers.map { CELOverload.global(left, $0, returns: left == $0 ? left : .dyn) }
        }
        let lists = (numbers + [.dyn]).map { CELOverload.global(.list($0), returns: $0) }
        let single = numbers.map { CELOverload.global($0, returns: $0) }
        return CELFunction(
            name, single + lists + pairs + several,
            .general { arguments, frame throws(CELError) in
                var candidates = arguments
                if arguments.count == 1, case .list(let elements) = arguments[0] { candidates = elements }
                guard var best = candidates.first else { throw badArgument("there is no number in the list") }
                guard compareNumbers(best, best) != nil else { return nil }
                for candidate in candidates.dropFirst() {
                    try frame.charge(items: 1)
                    guard let comparison = compareNumbers(candidate, best) else { return nil }
                    if comparison == order { best = candidate }
                }
                return best
            })
    }

    private static func rounding(_ name: String, _ rule: FloatingPointRoundingRule) -> CELFunction {
        CELFunction(
            name, [.global(.double, returns: .double)],
            .unary { value, _ in
                guard case .double(let number) = value else { return nil }
                return .double(number.rounded(rule))
            })
    }

    private static func test(_ name: String, _ holds: @escaping @Sendable (Double) -> Bool) -> CELFunction {
        CELFunction(
            name, [.global(.double, returns: .bool)],
            .unary { value, _ in
                guard case .double(let number) = value else { return nil }
                return .bool(holds(number))
            })
    }

    @Sendable private static func abs(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        switch value {
        case .uint: return value
        case .double(let number): return .double(number.magnitude)
        case .int(.min): throw CELError(.overflow, "the result does not fit in an int")
        case .int(let number): return .int(Swift.abs(number))
        default: return nil
        }
    }

    @Sendable private static func sign(_ value: CELValue, _ frame: CELFrame) throws(CELError) -> CELValue? {
        switch value {
        case .uint(let number): .uint(number == 0 ? 0 : 1)
        case .int(let number): .int(number.signum())
        case .double(let number): .double(number > 0 ? 1 : number < 0 ? -1 : number)
        default: nil
        }
    }
}

/// Bits of int and uint.
extension StandardLibrary {
    static let bitFunctions: [CELFunction] = [
        bits("math.bitAnd", &, &), bits("math.bitOr", |, |), bits("math.bitXor", ^, ^),
        CELFunction(
            "math.bitNot", [.global(.int, returns: .int), .global(.uint, returns: .uint)],
            .unary { value, _ in
                switch value {
                case .int(let number): .int(~number)
                case .uint(let number): .uint(~number)
                default: nil
                }
            }),
        shift("math.bitShiftLeft") { $0 << $1 }, shift("math.bitShiftRight") { $0 >> $1 },
    ]

    private static func bits(
        _ name: String, _ ints: @escaping @Sendable (Int64, Int64) -> Int64,
        _ uints: @escaping @Sendable (UInt64, UInt64) -> UInt64
    ) -> CELFunction {
        CELFunction(
            name, [.global(.int, .int, returns: .int), .global(.uint, .uint, returns: .uint)],
            .binary { left, right, _ in
                switch (left, right) {
                case (.int(let left), .int(let right)): .int(ints(left, right))
                case (.uint(let left), .uint(let right)): .uint(uints(left, right))
                default: nil
                }
            })
    }

    /// Shifts the bit pattern; vacated places are zero also for a negative int.
    private static func shift(_ name: String, _ shift: @escaping @Sendable (UInt64, Int64) -> UInt64) -> CELFunction {
        CELFunction(
            name, [.global(.int, .int, returns: .int), .global(.uint, .int, returns: .uint)],
            .binary { value, offset, _ throws(CELError) in
                guard case .int(let offset) = offset else { return nil }
                switch value {
                case .int(let number):
                    return .int(Int64(bitPattern: shift(UInt64(bitPattern: number), try checked(offset))))
                case .uint(let number): return .uint(shift(number, try checked(offset)))
                default: return nil
                }
            })
    }

    private static func checked(_ offset: Int64) throws(CELError) -> Int64 {
        guard offset >= 0 else { throw badArgument("bits cannot be shifted by a negative number") }
        return offset
    }
}
