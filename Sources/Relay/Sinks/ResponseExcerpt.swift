import Curl
import Events

/// The start of an answer, fit for logs and screens.
package enum ResponseExcerpt {
    /// - Parameter secrets: replaced where the answer repeats them (error pages like to echo headers).
    package static func make(_ response: HTTPResponse, hiding secrets: [Secret]) -> String {
        // Cut only after hiding, or half a secret would stay; a secret longer than the slack is cut at the slack.
        let longest = secrets.map(\.exposed.utf8.count).max() ?? 0
        let start = response.body.prefix(AttemptNote.maximumExcerptCharacters * 4 + longest)
        var text = String(decoding: start, as: UTF8.self)
        for secret in secrets.map(\.exposed).sorted(by: { $0.utf8.count > $1.utf8.count }) where secret.count >= 4 {
            text = replacing(secret, in: text)
        }
        let shown = text.unicodeScalars.map { isPrintable($0) ? $0 : " " }
        return String(String(String.UnicodeScalarView(shown)).prefix(AttemptNote.maximumExcerptCharacters))
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
