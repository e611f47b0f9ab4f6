import FoundationEssentials
import Glibc

/// An offline snapshot of an org's objects, against which rules are checked: a folder with, for each object or platform
/// event, `<Name>.avsc` (the event schema that the Pub/Sub API delivers), `<Name>.json` (a describe answer of the REST
/// API) or both, and `flows/<id>.json` for flows of FlowMate whose input parameters are known.
package struct OrgSchema: Sendable {
    package static let maximumFiles = 5_000

    package private(set) var entities: [String: EntitySchema] = [:]
    /// By flow ID: the names of input parameters and their types.
    package private(set) var flows: [String: [FlowParameter]] = [:]
    /// By destination: the flows of its users, as far as they name parameters.
    package private(set) var ownedFlows: [String: [OwnedFlow]] = [:]

    package init(
        entities: [EntitySchema] = [], flows: [String: [FlowParameter]] = [:], ownedFlows: [String: [OwnedFlow]] = [:]
    ) {
        for entity in entities { self.entities[entity.name] = entity }
        self.flows = flows
        self.ownedFlows = ownedFlows
    }

    /// - Throws: `OrgSchemaError` naming the file that cannot be read.
    package init(folder: String) throws(OrgSchemaError) {
        for name in try Self.files(folder) {
            let path = "\(folder)/\(name)"
            if name.hasSuffix(".avsc") {
                add(try AvroEntity.read(try Self.bytes(path), path: path), typesWin: true)
            } else if name.hasPrefix("flows/") {
                let id = String(name.dropFirst("flows/".count).dropLast(".json".count))
                flows[id] = try FlowParameter.read(try Self.bytes(path), path: path)
            } else {
                add(try DescribedEntity.read(try Self.bytes(path), path: path), typesWin: false)
            }
        }
    }

    /// Two files about one object complete each other: the event schema knows what events carry, the describe answer
    /// what values are possible.
    private mutating func add(_ entity: EntitySchema, typesWin: Bool) {
        guard let other = entities[entity.name] else {
            entities[entity.name] = entity
            return
        }
        let (events, described) = typesWin ? (entity, other) : (other, entity)
        entities[entity.name] = events.completed(by: described)
    }

    private static func files(_ folder: String) throws(OrgSchemaError) -> [String] {
        guard FolderTree.isFolder(folder), access(folder, R_OK | X_OK) == 0 else {
            throw OrgSchemaError(path: folder, reason: "the folder cannot be listed")
        }
        let files = FolderTree.listablePaths(below: folder).filter { name in
            let isHere = !name.contains("/") && (name.hasSuffix(".avsc") || name.hasSuffix(".json"))
            let isFlow = name.hasPrefix("flows/") && name.hasSuffix(".json")
            return (isHere || isFlow) && !name.hasPrefix(".")
        }
        guard files.count <= maximumFiles else {
            throw OrgSchemaError(path: folder, reason: "it holds more than \(maximumFiles) files")
        }
        return files.sorted()
    }

    private static func bytes(_ path: String) throws(OrgSchemaError) -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw OrgSchemaError(path: path, reason: "it cannot be read")
        }
    }
}

/// A snapshot that is not one. Rules were not looked at.
package struct OrgSchemaError: Error, CustomStringConvertible {
    package var path: String
    package var reason: String

    package var description: String {
        "cannot read the schema from \(path): \(reason). A snapshot holds <Entity>.avsc and <Entity>.json files."
    }
}

extension EntitySchema {
    /// These fields and types, with what a describe answer adds to them.
    func completed(by described: EntitySchema) -> EntitySchema {
        var result = self
        result.fields = fields.map { field in
            guard let other = described.field(field.name) else { return field }
            return field.completed(by: other)
        }
        return result
    }
}

extension FieldSchema {
    fileprivate func completed(by described: FieldSchema) -> FieldSchema {
        var result = self
        result.mayBeNull = described.mayBeNull
        result.isDescribed = described.isDescribed
        result.picklist = described.picklist
        result.isRestricted = described.isRestricted
        result.referenceTo = described.referenceTo
        result.components = components.map { component in
            described.components.first { $0.name == component.name }.map(component.completed) ?? component
        }
        return result
    }
}
