import Glibc

/// One zone of the system's database: when its offset changed, and the rule for the time after.
/// Source: RFC 8536 (TZif), versions 2 and later, of which only the 64-bit part is read.
struct ZoneFile: Sendable {
    /// Seconds since 1970, rising.
    private let transitions: [Int64]
    /// The offset from each transition on.
    private let offsets: [Int64]
    /// The offset before the first transition.
    private let first: Int64
    /// The rule after the last transition; nil when the last offset stays.
    private let rule: ZoneRule?

    /// The largest real file has about 3,600 bytes.
    private static let sizeLimit = 65_536

    init?(named name: String) {
        guard let file = fopen("/usr/share/zoneinfo/" + name, "rb") else { return nil }
        defer { fclose(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.sizeLimit) { buffer, count in
            count = fread(buffer.baseAddress, 1, buffer.count, file)
        }
        self.init(bytes)
    }

    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        // The first part holds 32-bit times and is passed over.
        guard let old = Header(&reader), old.version >= UInt8(ascii: "2"), reader.skip(old.size(timeBytes: 4)),
            let header = Header(&reader), header.types > 0, reader.remaining >= header.size(timeBytes: 8)
        else { return nil }
        let times = (0..<header.times).map { _ in reader.integer(8) }
        let indexes = (0..<header.times).map { _ in Int(reader.integer(1)) }
        let types = (0..<header.types).map { _ in
            let offset = Int64(Int32(truncatingIfNeeded: reader.integer(4)))
            let isDaylight = reader.integer(1) != 0
            _ = reader.integer(1)
            return (offset: offset, isDaylight: isDaylight)
        }
        guard indexes.allSatisfy({ $0 < types.count }) else { return nil }
        _ = reader.skip(header.characters + header.leaps * 12 + header.standards + header.universals)
        transitions = times
        offsets = indexes.map { types[$0].offset }
        first = (types.first { !$0.isDaylight } ?? types[0]).offset
        rule = ZoneRule(reader.line())
    }

    func offset(at time: Int64) -> Int64 {
        guard let last = transitions.last, let start = transitions.first, time >= start else {
            return transitions.isEmpty ? rule?.offset(at: time) ?? first : first
        }
        if time >= last, let rule { return rule.offset(at: time) }
        var low = 0
        var high = transitions.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if transitions[middle] <= time { low = middle } else { high = middle }
        }
        return offsets[low]
    }

    private struct Header {
        let version: UInt8
        let universals, standards, leaps, times, types, characters: Int

        init?(_ reader: inout ByteReader) {
            guard reader.remaining >= 44, reader.integer(4) == 0x545A_6966 else { return nil }
            version = UInt8(truncatingIfNeeded: reader.integer(1))
            _ = reader.skip(15)
            let counts = (0..<6).map { _ in Int(reader.integer(4)) }
            guard counts.allSatisfy({ (0...100_000).contains($0) }) else { return nil }
            (universals, standards, leaps) = (counts[0], counts[1], counts[2])
            (times, types, characters) = (counts[3], counts[4], counts[5])
        }

        func size(timeBytes: Int) -> Int {
            times * (timeBytes + 1) + types * 6 + characters + leaps * (timeBytes + 4) + standards + universals
        }
    }
}

private struct ByteReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var remaining: Int { bytes.count - position }

    mutating func skip(_ count: Int) -> Bool {
        guard count <= remaining else { return false }
        position += count
        return true
    }

    /// Big-endian. The caller has checked that the bytes are there.
    mutating func integer(_ size: Int) -> Int64 {
        var value: UInt64 = 0
        for _ in 0..<size {
            value = value << 8 | UInt64(bytes[position])
            position += 1
        }
        return Int64(bitPattern: value)
    }

    /// The text between two line feeds.
    func line() -> String {
        let rest = bytes[position...].dropFirst()
        return String(decoding: rest.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
