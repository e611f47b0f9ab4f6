import Events

/// JSON to the table of types. Source: Avro 1.12 specification, "Schema Declaration" and "Names".
///
/// A union with two branches of one unnamed type is let through although the specification forbids it: its bytes name
/// the branch, so that reading them is not ambiguous.
struct SchemaParser {
    /// Where in the schema the parser is.
    struct Scope {
        var namespace = ""
        var path = ""
        var depth = 0

        func inside(_ name: String) -> Scope {
            Scope(namespace: namespace, path: path.isEmpty ? name : "\(path).\(name)", depth: depth + 1)
        }
    }

    private(set) var types: [Schema.TypeKind] = []
    private var names: [String: Schema.TypeID] = [:]
    private var primitives: [Schema.Primitive: Schema.TypeID] = [:]
    private var fieldCount = 0

    mutating func type(_ json: Value, _ scope: Scope) throws(AvroSchemaError) -> Schema.TypeID {
        guard scope.depth <= SchemaLimits.depth else {
            throw failure(scope, "more than \(SchemaLimits.depth) types inside each other")
        }
        switch json {
        case .string(let name): return try reference(name, scope)
        case .list(let branches): return try union(branches, scope)
        case .record(let object): return try declaration(object, scope)
        default: throw failure(scope, "a type is a name, an array or an object")
        }
    }

    // MARK: Names

    /// A primitive, or a named type that was declared before: in the same namespace, else without one.
    private mutating func reference(_ name: String, _ scope: Scope) throws(AvroSchemaError) -> Schema.TypeID {
        if let primitive = Schema.Primitive(rawValue: name) { return id(of: primitive) }
        if !name.contains("."), !scope.namespace.isEmpty, let known = names["\(scope.namespace).\(name)"] {
            return known
        }
        if let known = names[name] { return known }
        throw failure(scope, "unknown type \"\(clipped(name))\"")
    }

    private mutating func id(of primitive: Schema.Primitive) -> Schema.TypeID {
        if let known = primitives[primitive] { return known }
        let new = append(.primitive(primitive))
        primitives[primitive] = new
        return new
    }

    /// Reserves a table row for a named type, so that its own fields can refer to it.
    private mutating func declare(
        _ object: Fields, _ scope: Scope
    ) throws(AvroSchemaError) -> (fullName: String, id: Schema.TypeID) {
        let name = try text("name", of: object, scope)
        let namespace: String
        if let dot = name.lastIndex(of: ".") {
            namespace = String(name[..<dot])
        } else if object["namespace"] != nil {
            namespace = try text("namespace", of: object, scope)
        } else {
            namespace = scope.namespace
        }
        let fullName = name.contains(".") || namespace.isEmpty ? name : "\(namespace).\(name)"
        for part in fullName.split(separator: ".", omittingEmptySubsequences: false) where !isName(part) {
            throw failure(scope, "\"\(clipped(fullName))\" is not a valid name")
        }
        guard Schema.Primitive(rawValue: fullName) == nil else {
            throw failure(scope, "a type must not be named \"\(fullName)\"")
        }
        guard names[fullName] == nil else { throw failure(scope, "the type \(clipped(fullName)) is declared twice") }
        let id = append(.union([]))
        names[fullName] = id
        return (fullName, id)
    }

    // MARK: Declarations

    private mutating func declaration(_ object: Fields, _ scope: Scope) throws(AvroSchemaError) -> Schema.TypeID {
        switch object["type"] {
        case .string("record"), .string("error"): return try record(object, scope)
        case .string("enum"): return try enumeration(object, scope)
        case .string("fixed"): return try fixed(object, scope)
        case .string("array"):
            let items = try type(try member("items", of: object, scope), scope.inside("items"))
            return append(.array(items: items))
        case .string("map"):
            let values = try type(try member("values", of: object, scope), scope.inside("values"))
            return append(.map(values: values))
        case .string(let name): return try reference(name, scope)
        case let nested?:
            var inner = scope
            inner.depth += 1
            return try type(nested, inner)
        case nil: throw failure(scope, "the key \"type\" is missing")
        }
    }

    private mutating func union(_ branches: [Value], _ scope: Scope) throws(AvroSchemaError) -> Schema.TypeID {
        var ids: [Schema.TypeID] = []
        var inner = scope
        inner.depth += 1
        for branch in branches {
            if case .list = branch { throw failure(scope, "a union directly inside a union") }
            ids.append(try type(branch, inner))
        }
        return append(.union(ids))
    }

    private mutating func record(_ object: Fields, _ scope: Scope) throws(AvroSchemaError) -> Schema.TypeID {
        let (fullName, id) = try declare(object, scope)
        var inner = scope.path.isEmpty ? scope.inside(fullName) : scope
        inner.namespace = fullName.lastIndex(of: ".").map { String(fullName[..<$0]) } ?? ""
        guard case .list(let members) = try member("fields", of: object, inner) else {
            throw failure(inner, "\"fields\" is not an array")
        }
        fieldCount += members.count
        guard fieldCount <= SchemaLimits.fields else { throw failure(inner, "more than \(SchemaLimits.fields) fields") }
        var seen: Set<String> = []
        var fields: [Schema.Field] = []
        fields.reserveCapacity(members.count)
        for member in members {
            let field = try self.field(member, inner)
            guard seen.insert(field.name).inserted else { throw failure(inner, "the field \(field.name) stands twice") }
            fields.append(field)
        }
        types[id] = .record(Schema.Record(fullName: fullName, fields: fields))
        return id
    }

    private mutating func field(_ json: Value, _ scope: Scope) throws(AvroSchemaError) -> Schema.Field {
        guard case .record(let object) = json else { throw failure(scope, "a field is not an object") }
        let name = try text("name", of: object, scope)
        guard isName(name[...]) else { throw failure(scope, "\"\(clipped(name))\" is not a valid field name") }
        let inner = scope.inside(name)
        var doc = ""
        if case .string(let text) = object["doc"] { doc = text }
        return Schema.Field(name: name, type: try type(try member("type", of: object, inner), inner), doc: doc)
    }

    private mutating func enumeration(_ object: Fields, _ scope: Scope) throws(AvroSchemaError) -> Schema.TypeID {
        let (fullName, id) = try declare(object, scope)
        guard case .list(let list) = try member("symbols", of: object, scope) else {
            throw failure(scope, "\"symbols\" is not an array")
        }
        var seen: Set<String> = []
        var symbols: [String] = []
        for case let item in list {
            guard case .string(let symbol) = item, isName(symbol[...]) else {
                throw failure(scope, "a symbol of \(clipped(fullName)) is not a valid name")
            }
            guard seen.insert(symbol).inserted else {
                throw failure(scope, "the symbol \(clipped(symbol)) stands twice")
            }
            symbols.append(symbol)
        }
        types[id] = .enumeration(Schema.Enumeration(fullName: fullName, symbols: symbols))
        return id
    }

    private mutating func fixed(_ object: Fields, _ scope: Scope) throws(AvroSchemaError) -> Schema.TypeID {
        let (fullName, id) = try declare(object, scope)
        guard case .int(let size) = try member("size", of: object, scope), (0...Int64(SchemaLimits.fixedBytes)) ~= size
        else { throw failure(scope, "\"size\" is not a whole number between 0 and \(SchemaLimits.fixedBytes)") }
        types[id] = .fixed(Schema.Fixed(fullName: fullName, size: Int(size)))
        return id
    }

    // MARK: Small parts

    private mutating func append(_ kind: Schema.TypeKind) -> Schema.TypeID {
        types.append(kind)
        return types.count - 1
    }

    private func member(_ key: String, of object: Fields, _ scope: Scope) throws(AvroSchemaError) -> Value {
        guard let value = object[key] else { throw failure(scope, "the key \"\(key)\" is missing") }
        return value
    }

    private func text(_ key: String, of object: Fields, _ scope: Scope) throws(AvroSchemaError) -> String {
        guard case .string(let text) = try member(key, of: object, scope) else {
            throw failure(scope, "\"\(key)\" is not text")
        }
        return text
    }

    /// `[A-Za-z_][A-Za-z0-9_]*`
    private func isName(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    /// Foreign text in a message stays short.
    private func clipped(_ text: String) -> String { text.count > 80 ? text.prefix(80) + "…" : text }

    private func failure(_ scope: Scope, _ reason: String) -> AvroSchemaError {
        AvroSchemaError(path: clipped(scope.path), reason: reason)
    }
}
