import Documents

/// Finds the brace that ends an expression, by its tokens: strings, comments and inner braces count correctly.
enum ExpressionEnd {
    case end(Int)
    /// `${` again, outside a string.
    case nested(Int)
    case unclosed

    static func find(_ scalars: [Unicode.Scalar], after start: Int) -> ExpressionEnd {
        var offset = start
        var depth = 0
        while offset < scalars.count {
            switch scalars[offset] {
            case "{":
                if offset > start, scalars[offset - 1] == "$" { return .nested(offset - 1) }
                depth += 1
            case "}" where depth == 0: return .end(offset)
            case "}": depth -= 1
            case "'", "\"": offset = stringEnd(scalars, from: offset)
            case "/" where offset + 1 < scalars.count && scalars[offset + 1] == "/":
                while offset < scalars.count, scalars[offset] != "\n" { offset += 1 }
            default: break
            }
            offset += 1
        }
        return .unclosed
    }

    /// The offset of the last scalar of the string that starts at `start`: raw or not, in one or three quotes.
    private static func stringEnd(_ scalars: [Unicode.Scalar], from start: Int) -> Int {
        let quote = scalars[start]
        let isTriple = scalars[start...].prefix(3).count == 3 && scalars[start...].prefix(3).allSatisfy { $0 == quote }
        let isRaw = start > 0 && (scalars[start - 1] == "r" || scalars[start - 1] == "R")
        var offset = start + (isTriple ? 3 : 1)
        while offset < scalars.count {
            if scalars[offset] == "\\", !isRaw {
                offset += 1
            } else if scalars[offset] == quote {
                guard isTriple else { return offset }
                if scalars[offset...].prefix(3).count == 3, scalars[offset...].prefix(3).allSatisfy({ $0 == quote }) {
                    return offset + 2
                }
            } else if scalars[offset] == "\n", !isTriple {
                return offset
            }
            offset += 1
        }
        return scalars.count
    }
}
