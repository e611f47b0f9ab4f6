import Curl
import Events

/// How one FlowMate (Open Integration Hub) tenant is reached.
///
/// The documents disagree on paths, so each is a setting; the defaults are those of FlowMate's guide.
package struct FlowMateSettings: Sendable {
    package struct Paths: Sendable, Equatable {
        package var flows: String
        package var webhooks: String
        package var users: String
        package var impersonate: String
        package var login: String
        package var tokens: String
        package var executions: String

        /// Where the documents place the list of users; the first is the guide's.
        package static let knownUsers = ["/users", "/api/users", "/api/v1/users"]

        /// Each by the name that rule files and commands give it.
        package static func named(_ name: String) -> WritableKeyPath<Paths, String>? {
            switch name {
            case "flows": \.flows
            case "webhooks": \.webhooks
            case "users": \.users
            case "impersonate": \.impersonate
            case "login": \.login
            case "tokens": \.tokens
            case "executions": \.executions
            default: nil
            }
        }

        package init(
            flows: String = "/flows", webhooks: String = "/webhooks", users: String = "/users",
            impersonate: String = "/impersonate", login: String = "/login", tokens: String = "/api/v1/tokens",
            executions: String = "/icenter/executions"
        ) {
            self.flows = flows
            self.webhooks = webhooks
            self.users = users
            self.impersonate = impersonate
            self.login = login
            self.tokens = tokens
            self.executions = executions
        }
    }

    /// `https://host`, without a trailing slash.
    package var baseURL: String
    /// The whole value of the credential's header, such as `Bearer …`; nil when there is none.
    package var credential: Secret?
    package var credentialHeader: String
    package var paths: Paths
    /// An unknown flow alone takes more than a second to be answered.
    package var timeout: Duration
    package var connection: ConnectionOptions
    package var userAgent: String

    package init(
        baseURL: String, credential: Secret? = nil, credentialHeader: String = "Authorization",
        paths: Paths = Paths(), timeout: Duration = .seconds(30),
        connection: ConnectionOptions = ConnectionOptions(), userAgent: String = "Sluice"
    ) {
        self.baseURL = baseURL
        self.credential = credential
        self.credentialHeader = credentialHeader
        self.paths = paths
        self.timeout = timeout
        self.connection = connection
        self.userAgent = userAgent
    }

    var credentialHeaders: [HTTPRequest.Header] {
        credential.map { [HTTPRequest.Header(credentialHeader, $0.exposed)] } ?? []
    }
}
