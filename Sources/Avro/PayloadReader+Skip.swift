extension PayloadReader {
    /// Steps over one value, checking all of it.
    package mutating func skip(_ node: Int) throws(DecodeFailure) {
        try skip(nodes[node].kind, node)
    }

    /// Steps over the fields of a record.
    ///
    /// - Parameter marks: if given, has room for one number per field, all zero: set to the offset plus one of every
    ///   field that is not null (for a union, of its branch number).
    mutating func skipRecord(_ node: Plan.Node, marks: UnsafeMutablePointer<UInt32>?) throws(DecodeFailure) {
        var index = Int(node.first)
        try spend(Int(node.count))
        try enter()
        do throws(DecodeFailure) {
            try skipFields(&index, upTo: index + Int(node.count), marks)
        } catch {
            throw error.inside(field: index)
        }
        leave()
    }

    @inline(__always)
    private mutating func skipFields(
        _ index: inout Int, upTo last: Int, _ marks: UnsafeMutablePointer<UInt32>?
    ) throws(DecodeFailure) {
        let first = index
        while index < last {
            let field = fields[index]
            if field.nullRun > 0 {
                let nulls = zeros(field.nullRun)
                if nulls > 0 {
                    position += nulls
                    index += nulls
                    continue
                }
            }
            let start = offset
            if field.isOptional {
                if try branch(of: 2) == 1 {
                    marks?[index - first] = UInt32(truncatingIfNeeded: start + 1)
                    try skip(field.kind, Int(field.node))
                }
            } else {
                marks?[index - first] = UInt32(truncatingIfNeeded: start + 1)
                try skip(field.kind, Int(field.node))
            }
            index += 1
        }
    }

    @inline(__always)
    private mutating func skip(_ kind: Plan.Kind, _ node: Int) throws(DecodeFailure) {
        switch kind {
        case .null: break
        case .boolean: _ = try boolean()
        case .int: _ = try int()
        case .long: _ = try long()
        case .float: _ = try raw(4)
        case .double: _ = try raw(8)
        case .bytes: _ = try sized()
        case .string: _ = try utf8()
        case .fixed: _ = try raw(Int(nodes[node].count))
        case .enumeration: _ = try symbol(of: nodes[node])
        case .array: try skipItems(Int(nodes[node].first), keyed: false)
        case .map: try skipItems(Int(nodes[node].first), keyed: true)
        case .record: try skipRecord(nodes[node], marks: nil)
        case .union:
            let union = nodes[node]
            try skipBranch(try branch(of: union.count) + Int(union.first))
        }
    }

    private mutating func skipBranch(_ index: Int) throws(DecodeFailure) {
        try skip(Int(plan._withUnsafeGuaranteedRef { $0.branches[index] }))
    }

    private mutating func skipItems(_ item: Int, keyed: Bool) throws(DecodeFailure) {
        try enter()
        while true {
            let block = try block()
            guard block.count > 0 else { break }
            for _ in 0..<block.count {
                if keyed { _ = try utf8() }
                try skip(item)
            }
            try finish(block)
        }
        leave()
    }
}
