/// Finds all prefixes of a text that rules ask for in one walk over its first bytes.
final class PrefixTrie: Sendable {
    /// Children of a node are its neighbours in `nodes`, sorted by byte.
    private struct Node: Sendable {
        var byte: UInt8
        var childCount: UInt16 = 0
        var firstChild: UInt32 = 0
        var postings = PostingRange()
    }

    private let nodes: [Node]
    private let postings: [Posting]

    init(_ entries: [[UInt8]: [Posting]]) {
        var nodes = [Node(byte: 0)]
        var postings: [Posting] = []
        let sorted = entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        // Breadth first, so that the children of a node come to lie together.
        var pending: [(node: Int, range: Range<Int>, depth: Int)] = [(0, 0..<sorted.count, 0)]
        var next = 0
        while next < pending.count {
            var (node, range, depth) = pending[next]
            next += 1
            if let first = range.first, sorted[first].key.count == depth {
                nodes[node].postings = postings.appendRange(sorted[first].value)
                range = range.dropFirst()
            }
            nodes[node].firstChild = UInt32(nodes.count)
            while let first = range.first {
                let byte = sorted[first].key[depth]
                let end = range.first { sorted[$0].key[depth] != byte } ?? range.upperBound
                pending.append((nodes.count, first..<end, depth + 1))
                nodes.append(Node(byte: byte))
                nodes[node].childCount += 1
                range = end..<range.upperBound
            }
        }
        self.nodes = nodes
        self.postings = postings
    }

    @inline(__always)
    func forEach(prefixOf text: UnsafeRawBufferPointer, _ body: (Posting) -> Void) {
        var node = nodes[0]
        var offset = 0
        while true {
            for index in node.postings.indices { body(postings[index]) }
            guard offset < text.count, let child = child(of: node, text[offset]) else { return }
            node = nodes[child]
            offset += 1
        }
    }

    @inline(__always)
    private func child(of node: Node, _ byte: UInt8) -> Int? {
        let first = Int(node.firstChild)
        for index in first..<first + Int(node.childCount) where nodes[index].byte == byte { return index }
        return nil
    }
}
