/// Where the fields of one record stand in a payload: 0 for null, else the offset plus one, of the value or, for a
/// union, of its branch number.
///
/// Sendable although it holds a pointer: its memory is written by `AvroDecoder.scan` before anybody else has it, only
/// read afterwards, and freed by `deinit`. An array would look its metadata up for every event.
package struct FieldMarks: ~Copyable, @unchecked Sendable {
    let memory: UnsafeMutableBufferPointer<UInt32>

    init(count: Int) {
        memory = .allocate(capacity: count)
        memory.initialize(repeating: 0)
    }

    deinit { memory.deallocate() }

    package var count: Int { memory.count }

    package subscript(field: Int) -> UInt32 {
        precondition(memory.indices.contains(field), "a field that the record does not have")
        return memory[field]
    }
}
