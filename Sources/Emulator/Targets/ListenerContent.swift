import Events

/// What a listener makes of a posted body: JSON, XML and forms, unless the export says that everything is of one type.
enum ListenerContent {
    struct Refusal: Error, Equatable {
        var status: Int
        var code: String
        var message: String
    }

    /// - Parameter mediaType: the export's `requestMediaType`, which goes before the request's own type.
    static func read(_ request: TargetRequest, mediaType: String?) throws(Refusal) -> Value {
        let type = (request.headers["content-type"] ?? "").prefix { $0 != ";" }.lowercased()
        switch mediaType ?? word(type) {
        case "json":
            guard let value = try? JSONReader.parse(request.body) else {
                throw Refusal(status: 400, code: "invalid_json", message: "The request body is not valid JSON.")
            }
            return value
        case "xml":
            guard let value = try? XMLData.parse(request.body) else {
                throw Refusal(status: 400, code: "invalid_xml", message: "The request body is not valid XML.")
            }
            return value
        case "urlencoded":
            return .record(FlowMateModel.fields(FormText.parse(String(decoding: request.body, as: UTF8.self))))
        case "csv", "plaintext": return .string(String(decoding: request.body, as: UTF8.self))
        default:
            throw Refusal(
                status: 415, code: "unsupported_media_type", message: "The content type '\(type)' is not supported.")
        }
    }

    /// Without a path the whole payload is one record; so it is where the path leads nowhere.
    static func records(of content: Value, at path: String?) -> [Value] {
        guard let path else { return [content] }
        var place: Value? = content
        for name in path.split(separator: ".") { place = place?.object?[String(name)] }
        return place?.elements ?? [place ?? content]
    }

    private static func word(_ type: String) -> String? {
        switch type {
        case "application/json": "json"
        case "application/x-www-form-urlencoded": "urlencoded"
        case _ where type.hasSuffix("/xml"): "xml"
        default: nil
        }
    }
}
