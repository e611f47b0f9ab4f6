import Curl
import Events
import FoundationEssentials

/// A call to FlowMate's API that brought no result.
package struct FlowMateError: Error, Sendable, CustomStringConvertible {
    package enum Cause: Sendable {
        case transport(TransportError)
        case status(Int)
        /// 2xx, but not FlowMate's JSON.
        case unreadable
        /// 2xx, but longer than anything that is read.
        case tooLarge
        /// Not sent, because it cannot be right; `text` says why.
        case input
    }

    /// `read flow 6762…`
    package var action: String
    package var cause: Cause
    /// What FlowMate said, bounded; empty when nothing.
    package var text: String
    /// `Retry-After`, as sent.
    package var retryAfter: String?

    package init(action: String, cause: Cause, text: String, retryAfter: String? = nil) {
        self.action = action
        self.cause = cause
        self.text = text
        self.retryAfter = retryAfter
    }

    /// A call that is not made.
    static func input(_ action: String, _ text: String) -> FlowMateError {
        FlowMateError(action: action, cause: .input, text: text)
    }

    package var status: Int? {
        if case .status(let status) = cause { return status }
        return nil
    }

    /// The same call may well succeed in a while.
    package var mayPass: Bool {
        switch cause {
        case .transport: true
        case .status(let status): status == 408 || status == 425 || status == 429 || status >= 500
        case .unreadable, .tooLarge, .input: false
        }
    }

    package var description: String {
        let said = text.isEmpty ? "" : ": \(text)"
        return switch cause {
        case .transport(let error): "cannot \(action): \(error)"
        case .status(let status): "cannot \(action): FlowMate answered \(status)\(said)"
        case .unreadable: "cannot \(action): the answer is not FlowMate's; is the destination's baseUrl right?"
        case .tooLarge: "cannot \(action): the answer is too large\(said)"
        case .input: "cannot \(action)\(said)"
        }
    }
}

extension FlowMateError {
    /// Longer texts are cut.
    static let maximumTextCharacters = 200

    private struct Wire: Decodable {
        struct Entry: Decodable { var message: String? }

        var texts: [String]

        private enum Key: String, CodingKey { case error, errors, message }

        /// FlowMate's services answer in four shapes: a list of objects, one text under either key, or a message.
        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: Key.self)
            if let entries = try? fields.decode([Entry].self, forKey: .errors) {
                texts = entries.compactMap(\.message)
            } else {
                texts = [Key.errors, .error, .message].compactMap { try? fields.decode(String.self, forKey: $0) }
            }
        }
    }

    /// What an error answer says, without control characters; empty when it is not FlowMate's JSON.
    static func text(of response: HTTPResponse) -> String {
        guard !(200..<300).contains(response.status),
            let wire = try? JSONDecoder().decode(Wire.self, from: Data(response.body))
        else { return "" }
        return printable(wire.texts.joined(separator: "; "))
    }

    /// Bounded, and without control characters.
    static func printable(_ text: String) -> String {
        let scalars = text.prefix(maximumTextCharacters).unicodeScalars
        return String(String.UnicodeScalarView(scalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
    }
}
