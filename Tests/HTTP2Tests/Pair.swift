import HTTP2

/// A client and a server that talk in memory.
final class Pair {
    let client: ClientSession
    let server: ServerSession
    var clientEvents: [HTTP2Event] = []
    var serverEvents: [HTTP2Event] = []

    init(clientLimits: HTTP2Limits = HTTP2Limits(), serverLimits: HTTP2Limits = HTTP2Limits()) {
        client = ClientSession(limits: clientLimits)
        server = ServerSession(limits: serverLimits)
    }

    /// Moves bytes, in pieces of `chunk`, until neither side has any.
    func exchange(chunk: Int = 1 << 20) throws {
        while true {
            let up = try client.bytesToSend()
            for piece in up.pieces(of: chunk) { serverEvents += try server.receive(piece) }
            let down = try server.bytesToSend()
            for piece in down.pieces(of: chunk) { clientEvents += try client.receive(piece) }
            clientEvents += client.takeEvents()
            serverEvents += server.takeEvents()
            guard !up.isEmpty || !down.isEmpty else { return }
        }
    }
}

extension [UInt8] {
    func pieces(of size: Int) -> [[UInt8]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}

extension [HTTP2Event] {
    func data(of stream: Int32) -> [UInt8] {
        flatMap { event -> [UInt8] in
            guard case .data(stream, let bytes) = event else { return [] }
            return bytes
        }
    }

    var requests: [Int32] {
        compactMap { event in
            guard case .headers(let stream, let fields) = event, fields.contains(where: { $0.name == ":method" })
            else { return nil }
            return stream
        }
    }
}

/// Random numbers that a seed repeats.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Flips, drops or repeats a few bytes.
    mutating func damage(_ bytes: inout [UInt8]) {
        for _ in 0..<Int.random(in: 1...6, using: &self) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<3, using: &self) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &self)
            case 1: bytes.remove(at: index)
            default: bytes.insert(bytes[index], at: index)
            }
        }
    }
}
