import Foundation

/// tinyproxy on a port of its own, for CONNECT to loopback.
package enum Tinyproxy {
    /// - Parameter allowedPorts: where CONNECT may go; others are answered with 403.
    package static func with<Result>(
        allowedPorts: [Int], _ body: (_ url: String, _ log: () -> String) async throws -> Result
    ) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tinyproxy-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let log = folder.appendingPathComponent("log")
        let port = freePort()
        let allowed = allowedPorts.map { "ConnectPort \($0)" }.joined(separator: "\n")
        let text = "Port \(port)\nListen 127.0.0.1\nLogFile \"\(log.path)\"\nLogLevel Connect\n\(allowed)\n"
        let configuration = folder.appendingPathComponent("tinyproxy.conf")
        try text.write(to: configuration, atomically: true, encoding: .utf8)
        let child = try ChildProcess(["tinyproxy", "-d", "-c", configuration.path])
        while !accepts(port) { await Task.yield() }
        do {
            let result = try await body("http://127.0.0.1:\(port)") {
                (try? String(contentsOf: log, encoding: .utf8)) ?? ""
            }
            await child.end()
            return result
        } catch {
            await child.end()
            throw error
        }
    }

    /// tinyproxy cannot choose a port by itself.
    private static func freePort() -> Int {
        withSocket { socket, address in
            var address = address
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    _ = bind(socket, pointer, size)
                    _ = getsockname(socket, pointer, &size)
                }
            }
            return Int(UInt16(bigEndian: address.sin_port))
        }
    }

    private static func accepts(_ port: Int) -> Bool {
        withSocket { socket, address in
            var address = address
            address.sin_port = UInt16(port).bigEndian
            return withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        }
    }

    private static func withSocket<Result>(_ body: (Int32, sockaddr_in) throws -> Result) rethrows -> Result {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return try body(descriptor, address)
    }
}
