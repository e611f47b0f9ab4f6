internal import CPubSub

/// The memory of one unpacked message: taken piece by piece from a few blocks, and given back all at once.
///
/// protobuf-c makes several small allocations for every event of a batch, which cost more than reading it does.
final class Arena {
    /// Below the size at which malloc tidies up after every `free`.
    private static let blockBytes = 32 << 10
    private static let alignment = 16

    private var blocks: [UnsafeMutableRawPointer] = []
    private var next: UnsafeMutableRawPointer?
    private var left = 0
    private var budget: Int

    /// - Parameter messageBytes: of the packed message. An empty event of two bytes becomes a structure of 120; what
    ///   needs much more than that is an attack, and is refused.
    init(messageBytes: Int) {
        budget = 64 * messageBytes + 2 * Self.blockBytes
    }

    deinit {
        for block in blocks { block.deallocate() }
    }

    /// - Returns: nil when the budget is spent; protobuf-c then gives up.
    func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        guard byteCount <= budget else { return nil }
        let size = max((byteCount + Self.alignment - 1) & ~(Self.alignment - 1), Self.alignment)
        if size > left { addBlock(max(size, Self.blockBytes)) }
        guard let piece = next else { return nil }
        next = piece + size
        left -= size
        return piece
    }

    private func addBlock(_ byteCount: Int) {
        let block = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: Self.alignment)
        blocks.append(block)
        budget -= byteCount
        next = block
        left = byteCount
    }

    /// Calls C with an allocator that takes from this arena and frees nothing.
    func withAllocator<Result>(_ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> Result) -> Result {
        withExtendedLifetime(self) {
            var allocator = ProtobufCAllocator(
                alloc: { arena, byteCount in
                    Unmanaged<Arena>.fromOpaque(arena!)._withUnsafeGuaranteedRef { $0.allocate(byteCount) }
                }, free: { _, _ in }, allocator_data: Unmanaged.passUnretained(self).toOpaque())
            return body(&allocator)
        }
    }
}
