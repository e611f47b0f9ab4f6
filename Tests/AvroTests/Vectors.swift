import Events
import Foundation

@testable import Avro

/// The captured events, where they are at hand.
struct Vectors {
    struct Captured {
        var name: String
        var schemaID: String
        var payload: [UInt8]
        var header: Fields
        var fieldsSet: Fields
    }

    let captured: [Captured]
    let schemas: [String: String]

    /// `../shared/vectors` beside the package, found from this file upwards.
    static let folder: URL? = {
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let candidate = folder.appendingPathComponent("../shared/vectors").standardized
            if FileManager.default.fileExists(atPath: candidate.path) { return candidate }
        }
        return nil
    }()

    static var areMissing: Bool { folder == nil }

    init() throws {
        let folder = Self.folder!
        let file = try Data(contentsOf: folder.appendingPathComponent("captured-account-events.json"))
        guard case .list(let list) = try JSONReader.parse([UInt8](file)) else { throw Unusable() }
        captured = try list.map { item in
            guard case .record(let entry) = item, case .string(let name) = entry["name"],
                case .string(let schemaID) = entry["schemaId"], case .string(let hex) = entry["payloadHex"],
                case .record(let header) = entry["header"], case .record(let set) = entry["fieldsSet"],
                let payload = Hex.decode(hex)
            else { throw Unusable() }
            return Captured(name: name, schemaID: schemaID, payload: payload, header: header, fieldsSet: set)
        }
        schemas = try Dictionary(
            uniqueKeysWithValues: Set(captured.map(\.schemaID)).map { id in
                (id, try String(contentsOf: folder.appendingPathComponent("schemas/\(id).avsc"), encoding: .utf8))
            })
    }

    struct Unusable: Error {}
}
