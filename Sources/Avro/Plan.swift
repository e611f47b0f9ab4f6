/// A schema laid out for the decoder: flat tables of plain numbers, without references to count, and the JSON text of
/// every key and symbol ready to be copied.
///
/// Sendable although it holds pointers: its memory is filled in `init`, only read afterwards, and freed by `deinit`.
package final class Plan: @unchecked Sendable {
    package enum Kind: UInt8, Sendable {
        case null, boolean, int, long, float, double, bytes, string, fixed, enumeration, array, map, record, union
    }

    package struct Node {
        package var kind: Kind
        /// Record: first field. Enum: first symbol. Union: first branch. Array, map: the node of its items.
        package var first: Int32 = 0
        /// Fields, symbols, branches; bytes of a fixed.
        package var count: Int32 = 0
    }

    package struct Field {
        /// Of the value; for an optional field, of its branch that is not null.
        package var kind: Kind
        /// The type is `["null", T]`.
        package var isOptional: Bool
        package var node: Int32
        /// How many fields from this one on are null when as many zero bytes follow; 0 if this one cannot be null so.
        var nullRun: Int32 = 0
        /// `"name":null,` in `text`.
        var text: Range32
    }

    struct Range32 {
        var start: Int32
        var end: Int32
    }

    package let root: Int
    package let nodes: UnsafeBufferPointer<Node>
    package let fields: UnsafeBufferPointer<Field>
    package let names: UnsafeBufferPointer<String>
    let branches: UnsafeBufferPointer<Int32>
    let symbols: UnsafeBufferPointer<String>
    /// Each symbol in quotes.
    let symbolText: UnsafeBufferPointer<Range32>
    let text: UnsafeBufferPointer<UInt8>

    package init(_ schema: Schema) {
        var builder = PlanBuilder(schema: schema)
        builder.build()
        root = schema.root
        nodes = Self.frozen(builder.nodes)
        fields = Self.frozen(builder.fields)
        names = Self.frozen(builder.names)
        branches = Self.frozen(builder.branches)
        symbols = Self.frozen(builder.symbols)
        symbolText = Self.frozen(builder.symbolText)
        text = Self.frozen(builder.text)
    }

    deinit {
        nodes.deallocate()
        fields.deallocate()
        UnsafeMutableBufferPointer(mutating: names).deinitialize()
        names.deallocate()
        branches.deallocate()
        UnsafeMutableBufferPointer(mutating: symbols).deinitialize()
        symbols.deallocate()
        symbolText.deallocate()
        text.deallocate()
    }

    private static func frozen<Element>(_ array: [Element]) -> UnsafeBufferPointer<Element> {
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: array.count)
        _ = memory.initialize(from: array)
        return UnsafeBufferPointer(memory)
    }

    func error(_ failure: DecodeFailure) -> AvroDecodeError {
        var path: [String] = []
        var trail = failure.trail
        while trail != 0 {
            let field = Int(trail & 0xFFFF) - 1
            precondition(names.indices.contains(field), "a failure names a field that is not there")
            path.append(names[field])
            trail >>= 16
        }
        return AvroDecodeError(code: failure.code, offset: failure.offset, path: path.joined(separator: "."))
    }
}

private struct PlanBuilder {
    let schema: Schema
    var nodes: [Plan.Node] = []
    var fields: [Plan.Field] = []
    var names: [String] = []
    var branches: [Int32] = []
    var symbols: [String] = []
    var symbolText: [Plan.Range32] = []
    var text: [UInt8] = []

    init(schema: Schema) { self.schema = schema }

    /// Node numbers are those of the schema's types.
    mutating func build() {
        nodes = schema.types.map { Plan.Node(kind: kind(of: $0)) }
        for (id, type) in schema.types.enumerated() { fill(id, type) }
    }

    private mutating func fill(_ id: Int, _ type: Schema.TypeKind) {
        switch type {
        case .primitive: break
        case .array(let inner), .map(let inner): nodes[id].first = Int32(inner)
        case .fixed(let fixed): nodes[id].count = Int32(fixed.size)
        case .union(let types):
            nodes[id].first = Int32(branches.count)
            nodes[id].count = Int32(types.count)
            branches.append(contentsOf: types.map(Int32.init))
        case .enumeration(let enumeration):
            nodes[id].first = Int32(symbols.count)
            nodes[id].count = Int32(enumeration.symbols.count)
            for symbol in enumeration.symbols {
                symbols.append(symbol)
                symbolText.append(appendText("\"\(symbol)\""))
            }
        case .record(let record): fill(id, record)
        }
    }

    private mutating func fill(_ id: Int, _ record: Schema.Record) {
        nodes[id].first = Int32(fields.count)
        nodes[id].count = Int32(record.fields.count)
        for field in record.fields {
            names.append(field.name)
            fields.append(plan(for: field.type, text: appendText("\"\(field.name)\":null,")))
        }
        var run: Int32 = 0
        for index in stride(from: fields.count - 1, through: fields.count - record.fields.count, by: -1) {
            run = fields[index].nullRun == 0 ? 0 : run + 1
            fields[index].nullRun = run
        }
    }

    private func plan(for type: Schema.TypeID, text: Plan.Range32) -> Plan.Field {
        if case .union(let types) = schema[type], let first = types.first, schema[first] == .primitive(.null) {
            let optional = types.count == 2
            let node = optional ? types[1] : type
            return Plan.Field(
                kind: kind(of: schema[node]), isOptional: optional, node: Int32(node), nullRun: 1, text: text)
        }
        return Plan.Field(kind: kind(of: schema[type]), isOptional: false, node: Int32(type), text: text)
    }

    private mutating func appendText(_ addition: String) -> Plan.Range32 {
        let start = text.count
        text.append(contentsOf: addition.utf8)
        return Plan.Range32(start: Int32(start), end: Int32(text.count))
    }

    private func kind(of type: Schema.TypeKind) -> Plan.Kind {
        switch type {
        case .array: .array
        case .map: .map
        case .union: .union
        case .record: .record
        case .enumeration: .enumeration
        case .fixed: .fixed
        case .primitive(let primitive):
            switch primitive {
            case .null: .null
            case .boolean: .boolean
            case .int: .int
            case .long: .long
            case .float: .float
            case .double: .double
            case .bytes: .bytes
            case .string: .string
            }
        }
    }
}
