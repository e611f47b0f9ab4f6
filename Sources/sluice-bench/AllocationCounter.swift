import CAllocations

/// What the benchmark allocates.
enum AllocationCounter {
    /// Allocations of this thread while `body` runs.
    static func count(_ body: () -> Void) -> Int {
        let before = sluice_allocations()
        body()
        return sluice_allocations() - before
    }

    /// Of the whole process.
    static var bytesInUse: Int { sluice_bytes_in_use() }
}
