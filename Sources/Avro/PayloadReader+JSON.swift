extension PayloadReader {
    /// One value as JSON: unions unwrapped, enums as their symbol, bytes and fixed as base64, non-finite numbers as
    /// text, longs exact.
    mutating func json(_ node: Int, _ output: inout JSONBuffer) throws(DecodeFailure) {
        try json(nodes[node].kind, node, &output)
    }

    @inline(__always)
    private mutating func json(_ kind: Plan.Kind, _ node: Int, _ output: inout JSONBuffer) throws(DecodeFailure) {
        switch kind {
        case .null: output.append("null")
        case .boolean: try boolean() ? output.append("true") : output.append("false")
        case .int: output.append(try int())
        case .long: output.append(try long())
        case .float: output.append(try float())
        case .double: output.append(try double())
        case .bytes: output.appendBase64(try sized())
        case .string: try text(&output)
        case .fixed:
            let count = Int(nodes[node].count)
            output.appendBase64(UnsafeRawBufferPointer(start: try raw(count), count: count))
        case .enumeration: try enumeration(nodes[node], &output)
        case .array: try array(Int(nodes[node].first), &output)
        case .map: try map(Int(nodes[node].first), &output)
        case .record: try record(nodes[node], &output)
        case .union: try union(nodes[node], &output)
        }
    }

    @inline(__always)
    private mutating func text(_ output: inout JSONBuffer) throws(DecodeFailure) {
        let bytes = try sized()
        guard output.appendQuoted(bytes) else {
            throw DecodeFailure(code: .invalidUTF8, offset: bytes.baseAddress! - base)
        }
    }

    private mutating func union(_ union: Plan.Node, _ output: inout JSONBuffer) throws(DecodeFailure) {
        let index = try branch(of: union.count) + Int(union.first)
        try json(Int(plan._withUnsafeGuaranteedRef { $0.branches[index] }), &output)
    }

    private mutating func enumeration(_ node: Plan.Node, _ output: inout JSONBuffer) throws(DecodeFailure) {
        let start = position
        if let index = try symbol(of: node) {
            copy(plan._withUnsafeGuaranteedRef { $0.symbolText[Int(node.first) + index] }, to: &output)
        } else {
            position = start
            output.append(try int())
        }
    }

    private mutating func array(_ item: Int, _ output: inout JSONBuffer) throws(DecodeFailure) {
        try enter()
        output.append(UInt8(ascii: "["))
        var isEmpty = true
        while true {
            let block = try block()
            guard block.count > 0 else { break }
            for _ in 0..<block.count {
                try json(item, &output)
                output.append(UInt8(ascii: ","))
                try check(output.count)
            }
            isEmpty = false
            try finish(block)
        }
        if !isEmpty { output.removeLast() }
        output.append(UInt8(ascii: "]"))
        leave()
    }

    /// A key that stands twice in the payload stands twice in the text; readers take the last.
    private mutating func map(_ item: Int, _ output: inout JSONBuffer) throws(DecodeFailure) {
        try enter()
        output.append(UInt8(ascii: "{"))
        var isEmpty = true
        while true {
            let block = try block()
            guard block.count > 0 else { break }
            for _ in 0..<block.count {
                try text(&output)
                output.append(UInt8(ascii: ":"))
                try json(item, &output)
                output.append(UInt8(ascii: ","))
                try check(output.count)
            }
            isEmpty = false
            try finish(block)
        }
        if !isEmpty { output.removeLast() }
        output.append(UInt8(ascii: "}"))
        leave()
    }

    private mutating func record(_ node: Plan.Node, _ output: inout JSONBuffer) throws(DecodeFailure) {
        var index = Int(node.first)
        try spend(Int(node.count))
        try enter()
        output.append(UInt8(ascii: "{"))
        do throws(DecodeFailure) {
            try jsonFields(&index, upTo: index + Int(node.count), &output)
        } catch {
            throw error.inside(field: index)
        }
        if node.count > 0 { output.removeLast() }
        output.append(UInt8(ascii: "}"))
        leave()
    }

    @inline(__always)
    private mutating func jsonFields(
        _ index: inout Int, upTo last: Int, _ output: inout JSONBuffer
    ) throws(DecodeFailure) {
        while index < last {
            try check(output.count)
            let field = fields[index]
            if field.nullRun > 0 {
                let nulls = zeros(field.nullRun)
                if nulls > 0 {
                    position += nulls
                    index += nulls
                    copy(Plan.Range32(start: field.text.start, end: fields[index - 1].text.end), to: &output)
                    continue
                }
            }
            var isNull = field.kind == .null
            if field.isOptional { isNull = try branch(of: 2) == 0 || isNull }
            if isNull {
                copy(field.text, to: &output)
            } else {
                // The key and its colon, without `null,`.
                copy(Plan.Range32(start: field.text.start, end: field.text.end - 5), to: &output)
                try json(field.kind, Int(field.node), &output)
                output.append(UInt8(ascii: ","))
            }
            index += 1
        }
    }

    @inline(__always)
    private func copy(_ range: Plan.Range32, to output: inout JSONBuffer) {
        let text = plan._withUnsafeGuaranteedRef { $0.text.baseAddress! }
        output.append(UnsafeRawPointer(text + Int(range.start)), Int(range.end - range.start))
    }

    /// Long names of values that take no bytes could otherwise fill the memory.
    @inline(__always)
    private func check(_ written: Int) throws(DecodeFailure) {
        guard written <= DecodeLimits.jsonBytes else { throw failure(.outputTooLarge) }
    }
}
