internal import CNghttp2

/// Lays header fields out as nghttp2 wants them, for the length of one call. nghttp2 copies them.
enum HeaderEncoder {
    static func with<Result>(
        _ fields: [HTTP2Header], _ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result
    ) -> Result {
        var text: [UInt8] = []
        for field in fields {
            text.append(contentsOf: field.name.utf8)
            text.append(contentsOf: field.value.utf8)
        }
        return text.withUnsafeMutableBufferPointer { text in
            var offset = 0
            let entries = fields.map { field in
                let nameLength = field.name.utf8.count
                let valueLength = field.value.utf8.count
                defer { offset += nameLength + valueLength }
                return nghttp2_nv(
                    name: text.baseAddress! + offset, value: text.baseAddress! + offset + nameLength,
                    namelen: nameLength, valuelen: valueLength, flags: flags(of: field))
            }
            return entries.withUnsafeBufferPointer { body($0.baseAddress, $0.count) }
        }
    }

    private static func flags(of field: HTTP2Header) -> UInt8 {
        let noIndex = HTTP2Header.neverIndexedNames.contains(field.name)
        return UInt8((noIndex ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE).rawValue)
    }
}
