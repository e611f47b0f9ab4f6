import Synchronization

/// Offsets from UTC by zone name, from the system's time zone database.
enum TimeZones {
    /// Zones kept in memory; there are about 600 names.
    private static let limit = 64
    private static let zones = Mutex<[String: ZoneFile]>([:])

    /// Seconds east of Greenwich that hold at a point in time.
    ///
    /// - Parameter name: `Europe/Berlin`, or a fixed offset `+02:00`, `-02:30`, `02:00`.
    /// - Parameter time: seconds since 1970, UTC.
    static func offset(of name: String, at time: Int64, _ frame: CELFrame) throws(CELError) -> Int64 {
        try frame.charge(items: name.utf8.count)
        do { return try offset(of: name, at: time) } catch {
            // Looking for a file that is not there is dear, and is done each time.
            try frame.charge(unknownZone)
            throw error
        }
    }

    private static let unknownZone = 100

    static func offset(of name: String, at time: Int64) throws(CELError) -> Int64 {
        if let fixed = fixedOffset(name) { return fixed }
        if name == "UTC" || name == "Z" { return 0 }
        if let zone = zones.withLock({ $0[name] }) { return zone.offset(at: time) }
        guard isPlausible(name), let zone = ZoneFile(named: name) else {
            throw badArgument("there is no such time zone; write one like 'Europe/Berlin' or '+02:00'")
        }
        zones.withLock {
            if $0.count >= limit { $0.removeAll() }
            $0[name] = zone
        }
        return zone.offset(at: time)
    }

    private static func fixedOffset(_ name: String) -> Int64? {
        let isSigned = name.utf8.first == UInt8(ascii: "+") || name.utf8.first == UInt8(ascii: "-")
        var scanner = DigitScanner(isSigned ? name : "+" + name)
        guard let offset = scanner.offset(), scanner.isAtEnd, name != "Z", name != "z" else { return nil }
        return offset
    }

    /// A name becomes part of a path, so it may hold nothing that leads elsewhere.
    private static func isPlausible(_ name: String) -> Bool {
        guard (1...64).contains(name.utf8.count) else { return false }
        return name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy(isNameByte) && part.utf8.first != UInt8(ascii: "-")
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"):
            true
        default: false
        }
    }
}

extension CELTimestamp {
    /// `YYYY-MM-DD` as the calendar shows it in a zone: `Europe/Berlin`, `UTC`, `+02:00`.
    package func date(inZone zone: String, _ frame: CELFrame) throws(CELError) -> String {
        let time = CivilTime(seconds: seconds + (try TimeZones.offset(of: zone, at: seconds, frame)))
        return padded(time.year, 4) + "-" + padded(time.month, 2) + "-" + padded(time.day, 2)
    }
}
