import Events

/// Growing memory for JSON text, made to be used again and again.
package struct JSONBuffer: ~Copyable {
    private(set) var start: UnsafeMutableRawPointer
    private var capacity: Int
    package private(set) var count = 0

    package init(capacity: Int = 4096) {
        self.capacity = max(capacity, 64)
        start = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { start.deallocate() }

    package var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: start, count: count)) }

    /// The written text; valid until the next change.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try body(UnsafeRawBufferPointer(start: start, count: count))
    }

    package mutating func removeAll() { count = 0 }

    mutating func removeLast() { count -= 1 }

    /// Room for `more` bytes, to be filled and then counted with `advance`.
    @inline(__always)
    mutating func reserve(_ more: Int) -> UnsafeMutableRawPointer {
        if capacity - count < more { grow(more) }
        return start + count
    }

    @inline(__always)
    mutating func advance(_ written: Int) { count += written }

    @inline(never)
    private mutating func grow(_ more: Int) {
        let larger = max(capacity * 2, count + more)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        memory.copyMemory(from: start, byteCount: count)
        start.deallocate()
        start = memory
        capacity = larger
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1).storeBytes(of: byte, as: UInt8.self)
        count += 1
    }

    @inline(__always)
    mutating func append(_ source: UnsafeRawPointer, _ length: Int) {
        reserve(length).copyMemory(from: source, byteCount: length)
        count += length
    }

    /// Text that already is JSON.
    package mutating func append(_ text: UnsafeRawBufferPointer) {
        if let start = text.baseAddress { append(start, text.count) }
    }

    package mutating func append(_ text: StaticString) { append(text.utf8Start, text.utf8CodeUnitCount) }

    /// Decimal digits, exact over all 64 bits.
    mutating func append(_ number: Int64) {
        let room = 20
        let memory = reserve(room)
        var place = room
        var rest = number.magnitude
        repeat {
            place -= 1
            let digit = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            memory.storeBytes(of: digit, toByteOffset: place, as: UInt8.self)
            rest /= 10
        } while rest != 0
        if number < 0 {
            place -= 1
            memory.storeBytes(of: UInt8(ascii: "-"), toByteOffset: place, as: UInt8.self)
        }
        memory.copyMemory(from: memory + place, byteCount: room - place)
        count += room - place
    }

    /// As `JSONText.double`, and what JSON cannot say as text.
    mutating func append(_ number: Double) {
        if number == number.rounded(.towardZero), number.magnitude < 9_007_199_254_740_992,
            number != 0 || number.sign == .plus
        {
            append(Int64(number))
        } else if number.isFinite {
            var text = number.description
            text.withUTF8 { append(UnsafeRawPointer($0.baseAddress!), $0.count) }
        } else if number.isNaN {
            append("\"NaN\"")
        } else {
            number > 0 ? append("\"Infinity\"") : append("\"-Infinity\"")
        }
    }

    mutating func appendBase64(_ content: UnsafeRawBufferPointer) {
        let length = (content.count + 2) / 3 * 4
        let memory = reserve(length + 2)
        memory.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        Base64.write(content, to: memory + 1)
        memory.storeBytes(of: UInt8(ascii: "\""), toByteOffset: length + 1, as: UInt8.self)
        count += length + 2
    }
}
