import Curl
import Events

/// How one FlowMate (Open Integration Hub) tenant is reached.
///
/// The documents disagree on paths, so each is a setting; the defaults are those of FlowMate's guide.
package struct FlowMateSettings: Sendable {
    package struct Paths: Sendable, Equatable {
        package var flows: String
        package var webhooks: String

        package init(flows: String = "/flows", webhooks: String = "/webhooks") {
            self.flows = flows
            self.webhooks = webhooks
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
