import Crypto
import Events

/// A flow's webhook. The order is the real one's: body, origin, flow, request ID, content type, authorization, run.
extension FlowMateModel {
    /// - Parameter freshID: 32 hex digits, for a request that brings no ID.
    mutating func webhook(_ request: TargetRequest, flowID: String, now: Int64, freshID: String) -> Outcome {
        if request.method == "HEAD", manners.refusesHead { return Outcome(HTTPAnswer(status: 405)) }
        if request.body.count > Self.maximumBodyBytes { return Outcome(.error(413, "request entity too large")) }
        let content = FlowMateContent(request)
        switch content {
        case .tooLarge: return Outcome(.error(413, "request entity too large"))
        case .malformed(let text): return Outcome(.error(400, text))
        case .unsupported(let text): return Outcome(.error(415, text))
        case .data: break
        }
        if request.headers["origin"] != nil { return Outcome(.error(500, "Not allowed by CORS")) }
        if let refusal = refusal(of: flowID, now) { return Outcome(refusal) }
        if request.method == "HEAD" { return Outcome(HTTPAnswer(status: 200)) }
        guard ["GET", "POST"].contains(request.method) else { return Outcome(.error(500, "Internal Server Error")) }
        let requestID = request.headers["x-request-id"].flatMap { $0.isEmpty ? nil : $0 } ?? freshID
        if request.method == "POST" {
            guard !(request.headers["content-type"] ?? "").isEmpty else {
                return Outcome(.error(415, "Content-Type header is missing"))
            }
            // A GET runs the flow whatever it asks for.
            guard isLetIn(request, flowID, now) else { return Outcome(.error(403, "Unauthorized")) }
        }
        return run(
            flowID, requestID, request.method == "GET" ? .record(Self.fields(request.query)) : content.value, now)
    }

    /// A request ID runs once on the whole platform; what comes again is answered alike and dropped.
    private mutating func run(_ flowID: String, _ requestID: String, _ data: Value, _ now: Int64) -> Outcome {
        let receipt: Value = .record(["requestId": .string(requestID), "message": .string("thank you")])
        let answer = HTTPAnswer.json(200, .record(["data": receipt]))
        guard remember(requestID) else { return Outcome(answer) }
        let day = String(EpochText.text(now).prefix(10))
        executions[day, default: [:]][flowID, default: 0] += 1
        if executions.count > Self.maximumDays, let oldest = executions.keys.min() { executions[oldest] = nil }
        return Outcome(answer, wasExecuted: true, data: data)
    }

    /// Nil when the flow's webhook answers.
    private func refusal(of id: String, _ now: Int64) -> HTTPAnswer? {
        guard Self.isID(id) else {
            return .error(500, "Cast to ObjectId failed for value \"\(id)\" at path \"_id\"")
        }
        guard let flow = flows.first(where: { $0.id == id }), flow.status(at: now) == "active", flow.cron == nil else {
            var answer = HTTPAnswer.error(404, "Flow \(id) either does not exist or is inactive.")
            answer.delay = .seconds(1)
            return answer
        }
        return flow.hasFirstStep ? nil : .error(404, "Flow has no first node")
    }

    private mutating func isLetIn(_ request: TargetRequest, _ flowID: String, _ now: Int64) -> Bool {
        guard let flow = flows.first(where: { $0.id == flowID }) else { return false }
        switch flow.auth {
        case .none: return true
        case .bearer:
            guard let caller = session(request, now) else { return false }
            return caller.user == nil || caller.user == flow.owner
        case .hmac(let key):
            let code = HMAC<SHA256>.authenticationCode(for: request.body, using: SymmetricKey(data: Array(key.utf8)))
            return request.headers["x-hmac"] == Base64.encode(Array(code))
        }
    }

    static func fields(_ values: [String: String]) -> Fields {
        Fields(values.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: .string($0.value)) })
    }
}

/// What the webhook makes of a body: JSON, forms and XML come through, compressed or not. Whatever else comes is
/// accepted, and its data is lost.
enum FlowMateContent: Equatable {
    case data(Value)
    case malformed(String)
    case unsupported(String)
    /// Once it is inflated.
    case tooLarge

    init(_ request: TargetRequest) {
        self = .data(.record([:]))
        guard !request.body.isEmpty else { return }
        let header = (request.headers["content-type"] ?? "").lowercased()
        let body: [UInt8]
        do throws(Inflate.Failure) {
            switch request.headers["content-encoding"]?.lowercased() ?? "identity" {
            case "identity": body = request.body
            case "gzip": body = try Inflate.decode(request.body, .gzip, limit: FlowMateModel.maximumBodyBytes)
            case "deflate": body = try Inflate.decode(request.body, .zlib, limit: FlowMateModel.maximumBodyBytes)
            case let encoding:
                self = .unsupported("unsupported content encoding \"\(encoding)\"")
                return
            }
        } catch {
            self = error == .tooLarge ? .tooLarge : .malformed("incorrect header check")
            return
        }
        read(body, header, contentType: request.headers["content-type"] ?? "")
    }

    private mutating func read(_ body: [UInt8], _ header: String, contentType: String) {
        let type = header.prefix { $0 != ";" }.filter { $0 != " " }
        switch type {
        case "application/json", "text/plain":
            if let charset = header.split(separator: "charset=").dropFirst().first, !charset.hasPrefix("utf-8") {
                self = .unsupported("unsupported charset \"\(charset.uppercased())\"")
                return
            }
            self = Self.json(body)
        case "application/x-www-form-urlencoded":
            self = .data(.record(FlowMateModel.fields(FormText.parse(String(decoding: body, as: UTF8.self)))))
        case "multipart/form-data":
            do throws(MultipartForm.Failure) {
                self = .data(.record(try MultipartForm.parse(body, contentType: contentType)))
            } catch {
                self = .malformed(error.reason)
            }
        case _ where Self.isXML(type):
            do throws(XMLData.Failure) { self = .data(try XMLData.parse(body)) } catch {
                self = .malformed(error.reason)
            }
        default: break
        }
    }

    /// Empty unless it is data.
    var value: Value { if case .data(let value) = self { value } else { .record([:]) } }

    private static func isXML(_ type: String) -> Bool {
        ["text/xml", "application/xml"].contains(type) || (type.hasPrefix("application/") && type.hasSuffix("+xml"))
    }

    private static func json(_ body: [UInt8]) -> FlowMateContent {
        do {
            switch try JSONReader.parse(body) {
            case let value where value.isContainer: return .data(value.throughJavaScript)
            default: return .malformed("Unexpected token in JSON at position 0")
            }
        } catch {
            return .malformed("Unexpected token in JSON at position \(error.offset)")
        }
    }
}

extension Value {
    fileprivate var isContainer: Bool {
        switch self {
        case .record, .list: true
        default: false
        }
    }

    /// As it is after JavaScript read it: numbers are doubles, so that whole ones above 2^53 are rounded, and `1.0` is 1.
    fileprivate var throughJavaScript: Value {
        switch self {
        case .int(let number): .int(Int64(exactly: Double(number)) ?? number)
        case .double(let number): Int64(exactly: number).map(Value.int) ?? self
        case .list(let values): .list(values.map(\.throughJavaScript))
        case .record(let fields):
            .record(Fields(fields.fields.map { .init(name: $0.name, value: $0.value.throughJavaScript) }))
        default: self
        }
    }
}
