internal import CCurl

/// The header list of one request after another, in memory of its own: libcurl reads it, and copies nothing.
final class HeaderLines {
    private var text = UnsafeMutableBufferPointer<CChar>.allocate(capacity: 1024)
    private var nodes = UnsafeMutableBufferPointer<curl_slist>.allocate(capacity: 16)
    /// Of both, what is in use.
    private var bytes = 0
    private var count = 0

    deinit {
        text.deallocate()
        nodes.deallocate()
    }

    /// libcurl sets headers of its own unless it is told not to: `Name:` takes one away, `Name;` sends an empty one.
    ///
    /// - Returns: the list, as long as neither `set` nor `forget` is called.
    func set(_ request: HTTPRequest) -> UnsafeMutablePointer<curl_slist>? {
        forget()
        makeRoom(for: request.headers)
        add("Expect", ":", "")
        var hasContentType = false
        for header in request.headers {
            add(header.name, header.value.isEmpty ? ";" : ": ", header.value)
            hasContentType = hasContentType || header.isNamed("content-type")
        }
        if !hasContentType { add("Content-Type", ":", "") }
        return nodes.baseAddress
    }

    /// The lines may hold secrets.
    func forget() {
        UnsafeMutableBufferPointer(rebasing: text[..<bytes]).update(repeating: 0)
        (bytes, count) = (0, 0)
    }

    private func makeRoom(for headers: [HTTPRequest.Header]) {
        // Of each: what separates the two, and a zero. Then our own two.
        let length = headers.reduce(64) { $0 + $1.name.utf8.count + $1.value.utf8.count + 3 }
        if text.count < length {
            text.deallocate()
            text = .allocate(capacity: length)
        }
        if nodes.count < headers.count + 2 {
            nodes.deallocate()
            nodes = .allocate(capacity: headers.count + 2)
        }
    }

    private func add(_ name: String, _ separator: StaticString, _ value: String) {
        let start = text.baseAddress! + bytes
        put(name.utf8)
        put(UnsafeBufferPointer(start: separator.utf8Start, count: separator.utf8CodeUnitCount))
        put(value.utf8)
        text[bytes] = 0
        bytes += 1
        let node = nodes.baseAddress! + count
        node.initialize(to: curl_slist(data: start, next: nil))
        if count > 0 { nodes[count - 1].next = node }
        count += 1
    }

    private func put(_ part: some Collection<UInt8>) {
        let room = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: text[bytes...]))
        room.copyBytes(from: part)
        bytes += part.count
    }
}

extension HTTPRequest.Header {
    /// - Parameter lowerCase: ASCII, as names of headers are.
    func isNamed(_ lowerCase: StaticString) -> Bool {
        let other = UnsafeBufferPointer(start: lowerCase.utf8Start, count: lowerCase.utf8CodeUnitCount)
        return name.utf8.count == other.count
            && name.utf8.elementsEqual(other) { $0 == $1 || (65...90).contains($0) && $0 | 32 == $1 }
    }
}
