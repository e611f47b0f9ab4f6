import Events

/// A receiver as the operator names it in a rule file. Secrets are still references.
package struct Destination: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable { case flowmate, integrator, webhook, salesforce }

    package enum Auth: Sendable, Equatable {
        case bearer(SecretReference)
        case basic(user: String, password: SecretReference)
        case header(name: String, value: SecretReference)
        /// Listeners only.
        case query(name: String, value: SecretReference)
        /// Listeners only: `path` is a dotted path into the JSON body.
        case body(path: String, value: SecretReference)
        /// Webhooks only.
        case oauth2(OAuth2)
    }

    /// Client credentials (RFC 6749, section 4.4).
    package struct OAuth2: Sendable, Equatable {
        package var tokenURL: String
        package var clientID: String
        package var clientSecret: SecretReference
        package var scope: String?
        package var audience: String?
        /// ID and secret go in the form; otherwise as HTTP Basic.
        package var sendsSecretInBody = false

        package init(tokenURL: String, clientID: String, clientSecret: SecretReference) {
            self.tokenURL = tokenURL
            self.clientID = clientID
            self.clientSecret = clientSecret
        }
    }

    package enum Signing: Sendable, Equatable {
        package enum Algorithm: String, Sendable, CaseIterable { case sha1, sha256, sha384, sha512 }
        package enum Encoding: String, Sendable, CaseIterable { case hex, base64 }

        /// All secrets sign; the first is the current one.
        case standardWebhooks(secrets: [SecretReference])
        /// The first secret signs.
        case hmac(
            algorithm: Algorithm, encoding: Encoding, header: String, prefix: String, secrets: [SecretReference])
    }

    /// An integrator.io webhook export. Its public URL holds its token, so the whole URL is a secret.
    package struct Listener: Sendable, Equatable {
        package var url: SecretReference
        package var export: String?
        package var auth: Auth?
        package var sign: Signing?
        /// The agreed `pathToRecords`.
        package var records: String?

        package init(url: SecretReference, export: String?, auth: Auth?, sign: Signing?, records: String?) {
            self.url = url
            self.export = export
            self.auth = auth
            self.sign = sign
            self.records = records
        }
    }

    package struct Discovery: Sendable, Equatable {
        /// Between two readings of users and flows.
        package var refresh: Duration = .seconds(300)
        /// Templates whose flows count; empty lets all through.
        package var templates: Set<String> = []

        package init() {}
    }

    package struct TLS: Sendable, Equatable {
        package var ca: String?
        package var cert: String?
        package var key: SecretReference?

        package init(ca: String? = nil, cert: String? = nil, key: SecretReference? = nil) {
            self.ca = ca
            self.cert = cert
            self.key = key
        }
    }

    package var name: String
    package var kind: Kind
    /// `baseUrl` or `url`, without a trailing slash; of a Salesforce org `salesforce:` and its name.
    package var url: String
    package var auth: Auth?
    package var sign: Signing?
    package var listeners: [String: Listener] = [:]
    package var tls = TLS()
    package var proxy: String?
    package var headers: [DeliveryTarget.Header] = []
    package var timeout: Duration = .seconds(30)
    /// Nil: the default of the kind.
    package var concurrency: Int?
    /// `concurrency: auto`
    package var adaptsConcurrency = false
    /// FlowMate: requests at the same time to one flow. FlowMate's own limits are not known, and its usual installation
    /// is small.
    package var flowConcurrency = 4
    /// Requests per second.
    package var rate: Double?
    package var allowHttp = false
    /// Private, loopback and link-local addresses may be called.
    package var allowPrivate = false
    /// FlowMate: where it keeps things, by the names of `DestinationKeys.paths`, without a trailing slash.
    package var paths: [String: String] = [:]
    /// FlowMate: how the flows of users are found.
    package var discovery = Discovery()
    /// integrator.io: the form of a run's window; nil is the default, `nested`.
    package var runBody: String?
    /// integrator.io: under which name error IDs are resolved; nil is the default, `errors`.
    package var resolveKey: String?
    /// integrator.io: what a run with record errors means; nil is the default, `keep`.
    package var recordErrors: String?
    /// Salesforce: the org of sluice.yaml, and by which API client its own writes are known.
    package var org = ""
    package var client = Self.defaultClient
    package static let defaultClient = "Sluice"
    /// `url` was written with a trailing slash: deliveries without a path of their own have the path `/`.
    package var hasTrailingSlash = false

    package init(name: String, kind: Kind, url: String) {
        self.name = name
        self.kind = kind
        self.url = url
    }
}
