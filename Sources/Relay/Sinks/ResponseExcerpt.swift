import Curl
import Events

/// The start of an answer, fit for logs and screens.
package enum ResponseExcerpt {
    /// Headers that explain an answer, or help its sender to find it again.
    static let tellingHeaders = [
        "retry-after", "location", "www-authenticate", "content-type", "server", "date", "x-request-id", "request-id",
        "x-correlation-id", "traceparent", "cf-ray", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset",
    ]
    static let maximumHeaderCharacters = 200

    /// - Parameter secrets: replaced where the answer repeats them (error pages like to echo headers).
    package static func make(_ response: HTTPResponse, hiding secrets: [Secret]) -> String {
        shown(response.body, hiding: secrets, atMost: AttemptNote.maximumExcerptCharacters)
    }

    /// `retry-after: 30`, one line each; nil when there is none, or nothing to explain.
    static func headers(_ response: HTTPResponse, hiding secrets: [Secret]) -> [String]? {
        // A yes needs no explanation.
        guard !(200..<300).contains(response.status) else { return nil }
        let lines = tellingHeaders.compactMap { name in
            response.header(name).map {
                "\(name): " + shown(Array($0.utf8), hiding: secrets, atMost: maximumHeaderCharacters)
            }
        }
        return lines.isEmpty ? nil : lines
    }

    private static func shown(_ bytes: [UInt8], hiding secrets: [Secret], atMost limit: Int) -> String {
        // Cut only after hiding, or half a secret would stay; a secret longer than the slack is cut at the slack.
        let longest = secrets.map(\.exposed.utf8.count).max() ?? 0
        let start = bytes.prefix(limit * 4 + longest)
        // Most answers are short and plain.
        if secrets.isEmpty, bytes.count <= limit, bytes.allSatisfy({ (0x20...0x7E).contains($0) }) {
            return String(decoding: bytes, as: UTF8.self)
        }
        var text = String(decoding: start, as: UTF8.self)
        for secret in secrets.map(\.exposed).sorted(by: { $0.utf8.count > $1.utf8.count }) where secret.count >= 4 {
            text = replacing(secret, in: text)
        }
        let shown = text.unicodeScalars.map { isPrintable($0) ? $0 : " " }
        return String(String(String.UnicodeScalarView(shown)).prefix(limit))
    }

    /// Neither control characters nor those that turn the direction of text.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: false
        default: true
        }
    }

    private static func replacing(_ secret: String, in text: String) -> String {
        let wanted = Array(secret.utf8)
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == wanted[0], bytes[index...].starts(with: wanted) {
                result.append(contentsOf: "•••".utf8)
                index += wanted.count
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
