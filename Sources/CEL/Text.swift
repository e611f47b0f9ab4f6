/// Text compared by Unicode scalars. Swift's own `==` and `<` on strings compare canonical equivalents, which CEL does
/// not: `'é'` in one scalar and in two are different strings. UTF-8 order is scalar order.

func sameText(_ left: String, _ right: String) -> Bool {
    guard left.utf8.count == right.utf8.count else { return false }
    return withBytes(left, right) { $0.elementsEqual($1) }
}

func textPrecedes(_ left: String, _ right: String) -> Bool {
    withBytes(left, right) { $0.lexicographicallyPrecedes($1) }
}

func text(_ text: String, hasPrefix prefix: String) -> Bool {
    withBytes(text, prefix) { $0.starts(with: $1) }
}

func text(_ text: String, hasSuffix suffix: String) -> Bool {
    withBytes(text, suffix) { bytes, end in
        bytes.count >= end.count && bytes[(bytes.count - end.count)...].elementsEqual(end)
    }
}

func text(_ text: String, contains part: String) -> Bool {
    withBytes(text, part) { firstIndex(of: $1, in: $0, from: 0) != nil }
}

/// The first position at or after `start` where `part` occurs, by plain search.
func firstIndex<Element: Equatable>(
    of part: UnsafeBufferPointer<Element>, in whole: UnsafeBufferPointer<Element>, from start: Int
) -> Int? {
    guard part.count > 0 else { return start <= whole.count ? start : nil }
    guard part.count <= whole.count else { return nil }
    var index = start
    while index <= whole.count - part.count {
        if whole[index] == part[0], matches(part, whole, at: index) { return index }
        index += 1
    }
    return nil
}

private func matches<Element: Equatable>(
    _ part: UnsafeBufferPointer<Element>, _ whole: UnsafeBufferPointer<Element>, at index: Int
) -> Bool {
    for offset in 1..<max(part.count, 1) where whole[index + offset] != part[offset] { return false }
    return true
}

func withBytes<Result>(_ text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    if let result = text.utf8.withContiguousStorageIfAvailable(body) { return result }
    var copy = text
    return copy.withUTF8(body)
}

private func withBytes<Result>(
    _ left: String, _ right: String, _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Result
) -> Result {
    withBytes(left) { leftBytes in withBytes(right) { body(leftBytes, $0) } }
}
