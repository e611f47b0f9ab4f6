import Glibc
import NIOCore

/// What the emulator cannot do, and what to change.
package enum EmulatorError: Error, Equatable, CustomStringConvertible {
    /// A change names a field, or a value, that the object does not have.
    case badField(entity: String, field: String, reason: String)
    case unknownEntity(String, known: [String])
    case badChange(String)
    /// A script line that cannot be run. `file` may be empty.
    case badScript(file: String, line: Int, reason: String)
    case unreadableScript(file: String, reason: String)
    /// An edit of something that the emulator does not have.
    case notThere(String)
    case cannotListen(what: String, port: Int, reason: String)

    /// - Parameter error: of a server that could not start.
    static func listening(_ what: String, port: Int, _ error: any Error) -> EmulatorError {
        let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)).lowercased() } ?? "\(error)"
        return .cannotListen(what: what, port: port, reason: reason)
    }

    package var description: String {
        switch self {
        case .badField(let entity, let field, let reason): "cannot publish \(entity): \(field): \(reason)."
        case .unknownEntity(let entity, let known):
            "cannot publish \(entity): the emulator knows only \(known.joined(separator: ", "))."
        case .badChange(let reason): "cannot publish: \(reason)."
        case .badScript(let file, let line, let reason):
            file.isEmpty ? "line \(line): \(reason)" : "\(file):\(line): \(reason)"
        case .unreadableScript(let file, let reason): "cannot read the script \(file): \(reason)."
        case .notThere(let reason): "cannot edit: \(reason)."
        case .cannotListen(let what, let port, let reason):
            "cannot listen for \(what) on 127.0.0.1:\(port): \(reason). Choose another port, or 0 for any free one."
        }
    }
}
