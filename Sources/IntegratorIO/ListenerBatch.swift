/// A body with a list of records that a listener takes apart (`pathToRecords`), and that can therefore go in several
/// posts. What surrounds the list goes with each of them, byte for byte.
package struct ListenerBatch: Sendable, Equatable {
    /// In one post.
    package static let maximumRecords = 100
    /// Room that is left for a token in the body.
    static let slackBytes = 4096

    private let body: [UInt8]
    private let records: [Range<Int>]

    /// - Parameter path: dotted.
    /// - Returns: nil when there is no list, or an empty one: the body is sent as it is.
    package init?(_ body: [UInt8], at path: String) {
        let names = path.split(separator: ".").map(String.init)
        guard !names.isEmpty, names.count <= JSONInsertion.maximumDepth else { return nil }
        var cursor = JSONCursor(body)
        cursor.skipSpace()
        for name in names {
            guard cursor.take("{"), case .value? = cursor.find(name) else { return nil }
        }
        guard let records = cursor.elements(), !records.isEmpty else { return nil }
        self.body = body
        self.records = records
    }

    package var count: Int { records.count }
    package var bytes: Int { body.count }

    /// One post would be too much.
    package var wantsSplitting: Bool { count > Self.maximumRecords || bytes > ListenerRequest.maximumBodyBytes - Self.slackBytes }

    /// A post with as many records from `start` as fit: at least one, however large.
    ///
    /// - Returns: the body, and the record at which the next one starts.
    package func part(from start: Int, atMost limit: Int) -> (body: [UInt8], next: Int) {
        precondition(records.indices.contains(start) && limit > 0, "a part begins inside the batch")
        let head = body[..<records[0].lowerBound]
        let tail = body[records[count - 1].upperBound...]
        let room = ListenerRequest.maximumBodyBytes - Self.slackBytes - head.count - tail.count
        var content: [UInt8] = []
        var next = start
        while next < count, next - start < min(limit, Self.maximumRecords) {
            let record = body[records[next]]
            guard next == start || content.count + 1 + record.count <= room else { break }
            if next > start { content.append(UInt8(ascii: ",")) }
            content += record
            next += 1
        }
        return (Array(head) + content + Array(tail), next)
    }
}

extension JSONCursor {
    /// The places of a list's elements; the cursor stands at the list.
    ///
    /// - Returns: nil for anything else.
    fileprivate mutating func elements() -> [Range<Int>]? {
        guard take("[") else { return nil }
        var found: [Range<Int>] = []
        while true {
            skipSpace()
            if found.isEmpty, take("]") { return [] }
            let start = position
            guard skipValue() else { return nil }
            var end = position
            while end > start, isSpace(at: end - 1) { end -= 1 }
            found.append(start..<end)
            skipSpace()
            if take(",") { continue }
            return take("]") ? found : nil
        }
    }
}
