import Events

/// The fields of a `multipart/form-data` body (RFC 7578). Files are passed over, as FlowMate's webhook does. Pure.
enum MultipartForm {
    struct Failure: Error, Equatable { var reason: String }

    /// Further parts are a failure.
    static let maximumParts = 1000

    /// - Parameter contentType: the whole header.
    static func parse(_ body: [UInt8], contentType: String) throws(Failure) -> Fields {
        guard let boundary = parameter("boundary", of: contentType), !boundary.isEmpty else {
            throw Failure(reason: "content-type missing boundary")
        }
        var fields = GatheredFields()
        var rest = body[...]
        let mark = Array("--\(boundary)".utf8)
        guard let first = rest.range(of: mark) else { throw Failure(reason: "stream ended unexpectedly") }
        rest = rest[first.upperBound...]
        for _ in 0..<maximumParts {
            if rest.starts(with: "--".utf8) { return fields.fields }
            guard rest.starts(with: "\r\n".utf8), let end = rest.range(of: Array("\r\n".utf8) + mark) else {
                throw Failure(reason: "stream ended unexpectedly")
            }
            try add(rest[(rest.startIndex + 2)..<end.lowerBound], to: &fields)
            rest = rest[end.upperBound...]
        }
        throw Failure(reason: "maximum fields exceeded")
    }

    private static func add(_ part: ArraySlice<UInt8>, to fields: inout GatheredFields) throws(Failure) {
        guard let end = part.range(of: Array("\r\n\r\n".utf8)) else { throw Failure(reason: "malformed part header") }
        let head = String(decoding: part[..<end.lowerBound], as: UTF8.self)
        let lines = head.split(whereSeparator: \.isNewline)
        guard let disposition = lines.first(where: { $0.lowercased().hasPrefix("content-disposition:") }),
            let name = parameter("name", of: String(disposition))
        else { throw Failure(reason: "a part has no name") }
        guard parameter("filename", of: String(disposition)) == nil else { return }
        fields.add(.string(String(decoding: part[end.upperBound...], as: UTF8.self)), named: name)
    }

    /// `name="x"` or `name=x` behind a semicolon.
    private static func parameter(_ name: String, of header: String) -> String? {
        for piece in header.split(separator: ";").dropFirst() {
            let parts = piece.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].filter({ $0 != " " }).lowercased() == name else { continue }
            return String(parts[1].filter { $0 != "\"" })
        }
        return nil
    }
}

extension ArraySlice<UInt8> {
    /// Where `text` is first.
    fileprivate func range(of text: [UInt8]) -> Range<Int>? {
        guard let first = text.first, count >= text.count else { return nil }
        for start in startIndex...(endIndex - text.count) where self[start] == first {
            if self[start...].starts(with: text) { return start..<(start + text.count) }
        }
        return nil
    }
}
