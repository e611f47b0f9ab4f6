internal import CPubSub

/// Memory that C reads during one call of protobuf-c, freed with the scratch.
struct Scratch: ~Copyable {
    private var blocks: [UnsafeMutableRawPointer] = []

    deinit {
        for block in blocks { block.deallocate() }
    }

    /// Nil-terminated. Text after an embedded NUL is lost, which no name of this API may contain.
    mutating func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        let utf8 = text.utf8
        let block = allocate(utf8.count + 1)
        block.withMemoryRebound(to: UInt8.self, capacity: utf8.count + 1) { target in
            _ = UnsafeMutableBufferPointer(start: target, count: utf8.count).initialize(from: utf8)
            target[utf8.count] = 0
        }
        return block.assumingMemoryBound(to: CChar.self)
    }

    mutating func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        let block = allocate(bytes.count)
        bytes.withUnsafeBytes { block.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(block), byteCount: $0.count) }
        return ProtobufCBinaryData(len: bytes.count, data: block.assumingMemoryBound(to: UInt8.self))
    }

    mutating func value<Message>(_ message: Message) -> UnsafeMutablePointer<Message> {
        let pointer = allocate(MemoryLayout<Message>.stride).bindMemory(to: Message.self, capacity: 1)
        pointer.initialize(to: message)
        return pointer
    }

    mutating func array<Message>(
        _ messages: [UnsafeMutablePointer<Message>]
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Message>?> {
        let pointer = allocate(MemoryLayout<UnsafeMutablePointer<Message>?>.stride * messages.count)
            .bindMemory(to: UnsafeMutablePointer<Message>?.self, capacity: messages.count)
        for (index, message) in messages.enumerated() { (pointer + index).initialize(to: message) }
        return pointer
    }

    private mutating func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let block = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 16)
        blocks.append(block)
        return block
    }
}

/// Packs a message whose pointers stay valid during the call. protobuf-c reads `base` as the message itself.
func packed<Message>(_ message: inout Message) -> [UInt8] {
    withUnsafePointer(to: &message) { pointer in
        pointer.withMemoryRebound(to: ProtobufCMessage.self, capacity: 1) { base in
            let size = protobuf_c_message_get_packed_size(base)
            return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                count = size == 0 ? 0 : protobuf_c_message_pack(base, buffer.baseAddress)
            }
        }
    }
}

/// Reads `bytes` as the message that `unpack` knows, and converts it before the memory that C took is freed.
func unpacked<Message, Result>(
    _ bytes: [UInt8], as name: String,
    unpack: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) -> UnsafeMutablePointer<Message>?,
    convert: (Message) -> Result
) throws(WireFormatError) -> Result {
    let result = Arena(messageBytes: bytes.count).withAllocator { allocator in
        let message = bytes.withUnsafeBufferPointer { buffer in
            // An empty message is valid, but a null pointer is not.
            withUnsafePointer(to: 0 as UInt8) { unpack(allocator, buffer.count, buffer.baseAddress ?? $0) }
        }
        return message.map { convert($0.pointee) }
    }
    guard let result else { throw WireFormatError(message: name, byteCount: bytes.count) }
    return result
}

extension String {
    /// Copies a C string of protobuf-c; wrong UTF-8 is repaired.
    init(wire pointer: UnsafeMutablePointer<CChar>?) {
        self = pointer.map { String(cString: $0) } ?? ""
    }

    /// - Parameter recent: taken instead of a copy, if it says the same.
    init(wire pointer: UnsafeMutablePointer<CChar>?, recent: String) {
        let isSame = recent.utf8.withContiguousStorageIfAvailable { text in
            guard let pointer else { return text.isEmpty }
            return pointer.withMemoryRebound(to: UInt8.self, capacity: text.count + 1) { bytes in
                // Ends at the first difference, at the latest at the end of the C string.
                text.indices.allSatisfy { bytes[$0] == text[$0] && bytes[$0] != 0 } && bytes[text.count] == 0
            }
        }
        self = isSame == true ? recent : String(wire: pointer)
    }
}

extension [UInt8] {
    init(wire data: ProtobufCBinaryData) {
        self.init(UnsafeBufferPointer(start: data.data, count: data.len))
    }
}
