import Glibc

/// An IPv4 or IPv6 address, and what kind of place it is.
///
/// Source: IANA's special-purpose address registries for IPv4 and IPv6 (RFC 6890 and what followed).
package struct IPAddress: Sendable, Equatable, CustomStringConvertible {
    package enum Place: String, Sendable {
        case publicNetwork = "public"
        case loopback
        /// Networks behind the border: RFC 1918, carrier-grade NAT, unique local addresses.
        case privateNetwork = "private"
        /// Metadata services of clouds live here.
        case linkLocal = "link-local"
        /// Unspecified, multicast, reserved, documentation: nobody to call.
        case reserved
    }

    /// 4 or 16.
    package let bytes: [UInt8]

    package init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// As it may stand in a URL: dotted, in the forms that C libraries also take (`2130706433`, `0x7f.1`, `0177.0.0.1`),
    /// or IPv6 with or without brackets and zone. Nil for a name.
    package init?(host: String) {
        // Most hosts are names. Behind `%`, a zone may have any.
        guard host.utf8.prefix(while: { $0 != UInt8(ascii: "%") }).allSatisfy(Self.mayStandInAddress) else { return nil }
        var text = Substring(host)
        if text.hasPrefix("["), text.hasSuffix("]") { text = text.dropFirst().dropLast() }
        while text.hasSuffix(".") { text = text.dropLast() }
        text = text.prefix { $0 != "%" }
        var six = in6_addr()
        if inet_pton(AF_INET6, String(text), &six) == 1 {
            self.init(bytes: withUnsafeBytes(of: &six) { Array($0) })
            return
        }
        var four = in_addr()
        guard text.allSatisfy({ $0.isHexDigit || $0 == "." || $0 == "x" || $0 == "X" }), !text.isEmpty,
            inet_aton(String(text), &four) == 1
        else { return nil }
        self.init(bytes: withUnsafeBytes(of: &four) { Array($0) })
    }

    /// Hex digits, `.`, `x`, `:`, brackets.
    private static func mayStandInAddress(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: ".xX:[]".utf8.contains(byte)
        }
    }

    package var place: Place { bytes.count == 4 ? Self.place(four: bytes[...]) : place(six: bytes) }

    package var description: String {
        if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        var address = in6_addr()
        withUnsafeMutableBytes(of: &address) { $0.copyBytes(from: bytes) }
        inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func place(four bytes: ArraySlice<UInt8>) -> Place {
        let (a, b, c) = (bytes[bytes.startIndex], bytes[bytes.startIndex + 1], bytes[bytes.startIndex + 2])
        switch (a, b, c) {
        case (127, _, _): return .loopback
        case (10, _, _), (172, 16...31, _), (192, 168, _), (100, 64...127, _): return .privateNetwork
        case (169, 254, _): return .linkLocal
        // 192.0.0.0/24 also holds a cloud's metadata service (192.0.0.192).
        case (0, _, _), (192, 0, 0), (192, 0, 2), (198, 18...19, _), (198, 51, 100), (203, 0, 113), (192, 88, 99),
            (224...255, _, _):
            return .reserved
        // A cloud's service for its own machines (168.63.129.16).
        case (168, 63, 129) where bytes.last == 16: return .linkLocal
        default: return .publicNetwork
        }
    }

    private func place(six bytes: [UInt8]) -> Place {
        func starts(_ prefix: [UInt8]) -> Bool { bytes.starts(with: prefix) }
        let zeros = [UInt8](repeating: 0, count: 10)
        if starts(zeros) {
            // ::ffff:0:0/96 (mapped) and ::/96 (compatible) stand for an IPv4 address.
            if bytes[10] == 0xFF, bytes[11] == 0xFF { return Self.place(four: bytes[12...]) }
            if bytes[10...].dropLast().allSatisfy({ $0 == 0 }) { return bytes[15] == 1 ? .loopback : .reserved }
            if bytes[10] == 0, bytes[11] == 0 { return Self.place(four: bytes[12...]) }
            return .reserved
        }
        // ::ffff:0:a.b.c.d of stateless translation.
        if starts([0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0]) { return Self.place(four: bytes[12...]) }
        // NAT64 and 6to4 carry an IPv4 address that somebody unpacks.
        if starts([0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]) { return Self.place(four: bytes[12...]) }
        if starts([0x00, 0x64, 0xFF, 0x9B]) { return .privateNetwork }
        if starts([0x20, 0x02]) { return Self.place(four: bytes[2..<6]) }
        // The metadata service of a cloud that uses IPv6 is a unique local address (fd00:ec2::254).
        if bytes[0] & 0xFE == 0xFC { return .privateNetwork }
        if bytes[0] == 0xFE, bytes[1] & 0xC0 == 0x80 { return .linkLocal }
        if bytes[0] == 0xFE, bytes[1] & 0xC0 == 0xC0 { return .privateNetwork }
        // Global unicast is 2000::/3, without Teredo and its neighbours (2001::/23) and documentation.
        guard bytes[0] & 0xE0 == 0x20 else { return .reserved }
        if starts([0x20, 0x01, 0x0D, 0xB8]) || (starts([0x20, 0x01]) && bytes[2] & 0xFE == 0) { return .reserved }
        if starts([0x3F, 0xFF]), bytes[2] & 0xF0 == 0 { return .reserved }
        return .publicNetwork
    }
}

/// Which addresses may be called.
package enum AddressScope: Sendable, Hashable {
    case all
    case `public`
    /// Also this machine itself, for tests.
    case publicOrLoopback

    package func allows(_ address: IPAddress) -> Bool {
        switch self {
        case .all: true
        case .public: address.place == .publicNetwork
        case .publicOrLoopback: address.place == .publicNetwork || address.place == .loopback
        }
    }
}
