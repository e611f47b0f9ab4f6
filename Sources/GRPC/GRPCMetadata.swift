internal import HTTP2

/// Headers or trailers of an RPC, in order. Names are lower case, as HTTP/2 demands.
package struct GRPCMetadata: Sendable, Equatable, ExpressibleByDictionaryLiteral, CustomStringConvertible {
    package struct Entry: Sendable, Equatable {
        package var name: String
        package var value: String
    }

    package private(set) var entries: [Entry] = []

    package init(_ pairs: [(String, String)] = []) {
        for (name, value) in pairs { add(name, value) }
    }

    package init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements)
    }

    init(fields: [HTTP2Header]) {
        entries = fields.filter { !$0.name.hasPrefix(":") }.map { Entry(name: $0.name, value: $0.value) }
    }

    package mutating func add(_ name: String, _ value: String) {
        entries.append(Entry(name: name.lowercased(), value: value))
    }

    /// The first of that name.
    package subscript(name: String) -> String? {
        entries.first { $0.name == name }?.value
    }

    /// Values may be tokens.
    package var description: String {
        "[\(entries.map(\.name).joined(separator: ", "))]"
    }

    var fields: [HTTP2Header] { entries.map { HTTP2Header($0.name, $0.value) } }

    /// - Returns: the name of an entry that must not be sent: not a header, or one that gRPC sets itself.
    var firstUnsendable: String? {
        entries.first { !Self.isName($0.name) || Self.isReserved($0.name) || !Self.isValue($0.value) }?.name
    }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || "-_.".utf8.contains(byte)
            }
    }

    private static func isReserved(_ name: String) -> Bool {
        name.hasPrefix("grpc-") || ["te", "content-type", "user-agent", "connection", "host"].contains(name)
    }

    /// Printable ASCII without a blank at either end.
    private static func isValue(_ value: String) -> Bool {
        value.utf8.allSatisfy { (0x20...0x7E).contains($0) } && value.utf8.first != 0x20 && value.utf8.last != 0x20
    }
}
