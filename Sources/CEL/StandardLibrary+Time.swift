extension StandardLibrary {
    static let timeFunctions: [CELFunction] =
        [
            civil("getFullYear") { $0.year }, civil("getMonth") { $0.month - 1 }, civil("getDate") { $0.day },
            civil("getDayOfMonth") { $0.day - 1 }, civil("getDayOfWeek") { $0.weekday },
            civil("getDayOfYear") { $0.dayOfYear },
        ] + [
            clock("getHours", unit: 3_600_000_000_000) { $0.hour },
            clock("getMinutes", unit: 60_000_000_000) { $0.minute },
            clock("getSeconds", unit: 1_000_000_000) { $0.second },
            CELFunction(
                "getMilliseconds", zoned + [.receiver(.duration, returns: .int)],
                .general { arguments, _ in
                    switch arguments[0] {
                    case .timestamp(let time): .int(Int64(time.nanoseconds) / 1_000_000)
                    // The part below a second, as the specification has it.
                    case .duration(let duration): .int(duration.nanoseconds / 1_000_000 % 1_000)
                    default: nil
                    }
                }),
        ]

    private static let zoned: [CELOverload] = [
        .receiver(.timestamp, returns: .int), .receiver(.timestamp, .string, returns: .int),
    ]

    private static func civil(_ name: String, _ part: @escaping @Sendable (CivilTime) -> Int64) -> CELFunction {
        CELFunction(
            name, zoned,
            .general { arguments, frame throws(CELError) in
                try civilTime(arguments, frame).map { .int(part($0)) }
            })
    }

    /// A timestamp's part of the day, or a duration in whole units.
    private static func clock(
        _ name: String, unit: Int64, _ part: @escaping @Sendable (CivilTime) -> Int64
    ) -> CELFunction {
        CELFunction(
            name, zoned + [.receiver(.duration, returns: .int)],
            .general { arguments, frame throws(CELError) in
                if case .duration(let duration) = arguments[0], arguments.count == 1 {
                    return .int(duration.nanoseconds / unit)
                }
                return try civilTime(arguments, frame).map { .int(part($0)) }
            })
    }

    /// The time in the zone given, or in UTC.
    private static func civilTime(
        _ arguments: [CELValue], _ frame: CELFrame
    ) throws(CELError) -> CivilTime? {
        guard case .timestamp(let time) = arguments[0] else { return nil }
        guard arguments.count > 1 else { return CivilTime(seconds: time.seconds) }
        guard case .string(let zone) = arguments[1] else { return nil }
        return CivilTime(seconds: time.seconds + (try TimeZones.offset(of: zone, at: time.seconds, frame)))
    }
}

extension CELTimestamp {
    /// The civil date in a zone (`Europe/Berlin`, `+02:00`, `UTC`).
    /// - Throws: `CELError` of kind `.badArgument` for a zone that is not known.
    package func date(in zone: String) throws(CELError) -> (year: Int, month: Int, day: Int) {
        let civil = CivilTime(seconds: seconds + (try TimeZones.offset(of: zone, at: seconds)))
        return (Int(civil.year), Int(civil.month), Int(civil.day))
    }
}
