import Events

extension PayloadReader {
    /// One value, built. Unions give the value of their branch, enums their symbol (an unknown one its number, where
    /// those are let through), bytes and fixed `.bytes`.
    package mutating func value(_ node: Int) throws(DecodeFailure) -> Value {
        try value(nodes[node].kind, node)
    }

    private mutating func value(_ kind: Plan.Kind, _ node: Int) throws(DecodeFailure) -> Value {
        switch kind {
        case .null: return .null
        case .boolean: return .bool(try boolean())
        case .int: return .int(try int())
        case .long: return .int(try long())
        case .float: return .double(try float())
        case .double: return .double(try double())
        case .bytes: return .bytes(Array(try sized()))
        case .string: return .string(try string())
        case .fixed:
            let count = Int(nodes[node].count)
            return .bytes(Array(UnsafeRawBufferPointer(start: try raw(count), count: count)))
        case .enumeration: return try enumeration(nodes[node])
        case .array: return try array(Int(nodes[node].first))
        case .map: return try map(Int(nodes[node].first))
        case .record: return try record(nodes[node])
        case .union:
            let union = nodes[node]
            let index = try branch(of: union.count) + Int(union.first)
            return try value(Int(plan._withUnsafeGuaranteedRef { $0.branches[index] }))
        }
    }

    package mutating func string() throws(DecodeFailure) -> String {
        // Checked here and not by `String(validating:)`, which costs ten times as much on short texts.
        String(decoding: try utf8(), as: UTF8.self)
    }

    /// The strings of an array of strings.
    package mutating func strings() throws(DecodeFailure) -> [String] {
        var result: [String] = []
        while true {
            let block = try block()
            guard block.count > 0 else { return result }
            result.reserveCapacity(result.count + min(block.count, remaining))
            for _ in 0..<block.count { result.append(try string()) }
            try finish(block)
        }
    }

    /// Every string of an array of strings, as checked UTF-8.
    package mutating func eachString(_ body: (UnsafeRawBufferPointer) -> Void) throws(DecodeFailure) {
        while true {
            let block = try block()
            guard block.count > 0 else { return }
            for _ in 0..<block.count { body(try utf8()) }
            try finish(block)
        }
    }

    /// The number of an enum's symbol, whether the schema has it or not.
    package mutating func enumIndex() throws(DecodeFailure) -> Int { Int(try int()) }

    private mutating func enumeration(_ node: Plan.Node) throws(DecodeFailure) -> Value {
        let start = position
        if let index = try symbol(of: node) {
            return .string(plan._withUnsafeGuaranteedRef { $0.symbols[Int(node.first) + index] })
        }
        position = start
        return .int(try int())
    }

    private mutating func array(_ item: Int) throws(DecodeFailure) -> Value {
        var values: [Value] = []
        try enter()
        while true {
            let block = try block()
            guard block.count > 0 else { break }
            for _ in 0..<block.count { values.append(try value(item)) }
            try finish(block)
        }
        leave()
        return .list(values)
    }

    /// A key that stands twice keeps its last value.
    private mutating func map(_ item: Int) throws(DecodeFailure) -> Value {
        var places: [String: Int] = [:]
        var entries: [Fields.Field] = []
        try enter()
        while true {
            let block = try block()
            guard block.count > 0 else { break }
            for _ in 0..<block.count {
                let key = try string()
                let entry = Fields.Field(name: key, value: try value(item))
                if let place = places[key] {
                    entries[place] = entry
                } else {
                    places[key] = entries.count
                    entries.append(entry)
                }
            }
            try finish(block)
        }
        leave()
        return .record(Fields(entries))
    }

    private mutating func record(_ node: Plan.Node) throws(DecodeFailure) -> Value {
        var index = Int(node.first)
        try spend(Int(node.count))
        try enter()
        var entries: [Fields.Field] = []
        entries.reserveCapacity(Int(node.count))
        do throws(DecodeFailure) {
            try appendFields(&index, upTo: index + Int(node.count), to: &entries)
        } catch {
            throw error.inside(field: index)
        }
        leave()
        return .record(Fields(entries))
    }

    @inline(__always)
    private mutating func appendFields(
        _ index: inout Int, upTo last: Int, to entries: inout [Fields.Field]
    ) throws(DecodeFailure) {
        let names = plan._withUnsafeGuaranteedRef { $0.names }
        while index < last {
            let field = fields[index]
            if field.nullRun > 0 {
                let nulls = zeros(field.nullRun)
                if nulls > 0 {
                    for name in index..<index + nulls { entries.append(Fields.Field(name: names[name], value: .null)) }
                    position += nulls
                    index += nulls
                    continue
                }
            }
            let isNull = field.isOptional ? try branch(of: 2) == 0 : false
            let value = isNull ? Value.null : try value(field.kind, Int(field.node))
            entries.append(Fields.Field(name: names[index], value: value))
            index += 1
        }
    }
}
