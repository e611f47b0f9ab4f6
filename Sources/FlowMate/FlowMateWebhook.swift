import Curl
import Events

/// Builds the call of a flow's webhook.
package struct FlowMateWebhook: Sendable {
    /// A call that must not be made.
    package enum Refusal: Error, Equatable, CustomStringConvertible {
        case flowID(String)
        case tooLarge(bytes: Int)

        package var description: String {
            switch self {
            case .flowID(let id): "'\(id)' is not a flow ID: FlowMate's have 24 hex digits"
            case .tooLarge(let bytes):
                "the body has \(bytes) bytes, FlowMate takes \(FlowMateWebhook.maximumBodyBytes) at most"
            }
        }
    }

    /// FlowMate's default `PAYLOAD_SIZE_LIMIT`.
    package static let maximumBodyBytes = 10 * 1024 * 1024

    package let settings: FlowMateSettings

    package init(settings: FlowMateSettings) { self.settings = settings }

    /// - Parameters:
    ///   - body: `{"data": …}`, sent as it is.
    ///   - withCredential: whether the token goes along. FlowMate hands all headers of a webhook call to the flow's
    ///     first step, so it does only where a flow asks for it.
    package func request(
        flow: String, requestID: String, body: [UInt8], headers: [HTTPRequest.Header], withCredential: Bool
    ) throws(Refusal) -> HTTPRequest {
        guard Self.isFlowID(flow) else { throw .flowID(flow) }
        guard body.count <= Self.maximumBodyBytes else { throw .tooLarge(bytes: body.count) }
        // Exactly this type: FlowMate answers 200 to others and hands an empty object to the flow.
        var all = [
            HTTPRequest.Header("Content-Type", "application/json"),
            HTTPRequest.Header("Accept", "application/json"),
            HTTPRequest.Header("User-Agent", settings.userAgent),
            HTTPRequest.Header("x-request-id", requestID),
        ]
        all += headers
        if withCredential { all += settings.credentialHeaders }
        return HTTPRequest(
            method: "POST", url: settings.baseURL + settings.paths.webhooks + "/" + flow, headers: all, body: body,
            timeout: settings.timeout, maximumResponseBytes: 64 * 1024, connection: settings.connection)
    }

    package static func isFlowID(_ text: String) -> Bool {
        text.utf8.count == 24
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                    UInt8(ascii: "A")...UInt8(ascii: "F"):
                    true
                default: false
                }
            }
    }
}
