import Curl
import Events
import Rules

/// Tokens by OAuth 2.0 client credentials (RFC 6749, section 4.4): one at a time, shared by all attempts of a
/// destination, kept until shortly before it expires or until it is refused.
actor OAuthTokens {
    /// A token that does not say how long it lives.
    static let usualLife: Int64 = 300_000
    /// So long before its end a token is not used any more.
    static let margin: Int64 = 30_000
    /// A token endpoint that says less often than this is wrong is not asked more often.
    static let longestLife: Int64 = 24 * 3_600_000
    private static let maximumAnswerBytes = 64 << 10

    private struct Token {
        var auth: ReadyAuth
        /// Uptime.
        var usableUntil: Int64
    }

    private let settings: Destination.OAuth2
    private nonisolated let environment: SinkEnvironment
    private let connection: ConnectionOptions
    private let timeout: Duration
    /// Reads the client's secret anew: a file may have been replaced.
    private let readSecret: @Sendable () throws(SecretError) -> Secret
    private var token: Token?
    private var request: Task<Result<Token, OAuthFailure>, Never>?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        environment.executors.actors.asUnownedSerialExecutor()
    }

    init(
        _ settings: Destination.OAuth2, environment: SinkEnvironment, connection: ConnectionOptions, timeout: Duration,
        readSecret: @escaping @Sendable () throws(SecretError) -> Secret
    ) {
        self.settings = settings
        self.environment = environment
        self.connection = connection
        self.timeout = timeout
        self.readSecret = readSecret
    }

    /// The token in force, or a new one.
    ///
    /// - Parameter refused: one that the receiver refused; it is not given out again.
    func current(insteadOf refused: ReadyAuth? = nil) async throws(OAuthFailure) -> ReadyAuth {
        if let refused, token?.auth.value == refused.value { token = nil }
        if let token, environment.clock.uptime < token.usableUntil { return token.auth }
        let task = request ?? Task { await ask() }
        request = task
        return try await task.value.get().auth
    }

    private func ask() async -> Result<Token, OAuthFailure> {
        defer { request = nil }
        do throws(OAuthFailure) {
            let fresh = try await fetched()
            token = fresh
            return .success(fresh)
        } catch {
            return .failure(error)
        }
    }

    private func fetched() async throws(OAuthFailure) -> Token {
        let request: HTTPRequest
        do {
            request = form(try readSecret())
        } catch {
            throw OAuthFailure(reason: error.description, isRefusal: true)
        }
        do {
            return try read(try await environment.http.send(request))
        } catch let error as TransportError {
            let isRefusal = [.certificate, .badURL, .localFile].contains(error.kind)
            throw OAuthFailure(reason: "no token: \(error)", isRefusal: isRefusal)
        } catch {
            throw (error as? OAuthFailure) ?? OAuthFailure(reason: "no token: \(error)", isRefusal: false)
        }
    }

    private func form(_ secret: Secret) -> HTTPRequest {
        var fields = [("grant_type", "client_credentials")]
        if let scope = settings.scope { fields.append(("scope", scope)) }
        if let audience = settings.audience { fields.append(("audience", audience)) }
        var headers = [
            HTTPRequest.Header("Content-Type", "application/x-www-form-urlencoded"),
            HTTPRequest.Header("Accept", "application/json"),
            HTTPRequest.Header("User-Agent", environment.userAgent),
        ]
        if settings.sendsSecretInBody {
            fields += [("client_id", settings.clientID), ("client_secret", secret.exposed)]
        } else {
            // RFC 6749, section 2.3.1: both are form-encoded first.
            let pair = "\(FormText.encoded(settings.clientID)):\(FormText.encoded(secret.exposed))"
            headers.append(HTTPRequest.Header("Authorization", "Basic " + Base64.encode(Array(pair.utf8))))
        }
        let body = fields.map { "\($0.0)=\(FormText.encoded($0.1))" }.joined(separator: "&")
        return HTTPRequest(
            method: "POST", url: settings.tokenURL, headers: headers, body: Array(body.utf8), timeout: timeout,
            maximumResponseBytes: Self.maximumAnswerBytes, connection: connection)
    }

    /// The fields of a JSON object; none of anything else.
    private struct Answer {
        private let fields: Fields

        init(_ body: [UInt8]) {
            if case .record(let fields)? = try? JSONReader.parse(body) { self.fields = fields } else { fields = Fields() }
        }

        func text(_ name: String) -> String? {
            if case .string(let text)? = fields[name] { text } else { nil }
        }

        /// Some write the number as text.
        func seconds(_ name: String) -> Int64? {
            if case .int(let number)? = fields[name] { number } else { text(name).flatMap(Int64.init) }
        }
    }

    private func read(_ response: HTTPResponse) throws(OAuthFailure) -> Token {
        let answer = Answer(response.body)
        guard (200..<300).contains(response.status) else {
            // RFC 6749, section 5.2: a fixed word.
            let word = answer.text("error").map { ": \($0.prefix(64))" } ?? ""
            let isRefusal = (300..<500).contains(response.status) && ![408, 425, 429].contains(response.status)
            throw OAuthFailure(
                reason: "no token: the token endpoint answered \(response.status)\(word)", isRefusal: isRefusal)
        }
        guard let text = answer.text("access_token"), !text.isEmpty,
            !text.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }),
            (answer.text("token_type") ?? "bearer").lowercased() == "bearer"
        else {
            throw OAuthFailure(reason: "no token: the token endpoint's answer holds no bearer token", isRefusal: true)
        }
        let seconds = answer.seconds("expires_in")
        let life = min(seconds.map { max(0, min($0, 1 << 32)) * 1000 } ?? Self.usualLife, Self.longestLife)
        return Token(
            auth: ReadyAuth(bearer: Secret(text)),
            usableUntil: environment.clock.uptime + life - min(Self.margin, life / 2))
    }
}

/// No token was to be had.
struct OAuthFailure: Error, Equatable {
    /// Never holds a secret.
    var reason: String
    /// Somebody must mend a setting; otherwise it may do better in a while.
    var isRefusal: Bool
}

/// `application/x-www-form-urlencoded`
enum FormText {
    static func encoded(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "*"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: " "): result += "+"
            default: result += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}
