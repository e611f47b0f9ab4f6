import Curl
import Events

/// How one integrator.io account is reached.
package struct IntegratorSettings: Sendable {
    /// `https://api.integrator.io` or another region's, with or without `/v1`.
    package var baseURL: String
    /// The whole value of the `Authorization` header; nil when there is none.
    package var credential: Secret?
    package var credentialHeader: String
    package var runBody: RunBody.Shape
    /// The name under which error IDs are resolved; clients disagree.
    package var resolveKey = ResolveKey.errors
    package var timeout: Duration
    package var connection: ConnectionOptions
    package var userAgent: String

    package enum ResolveKey: String, Sendable, CaseIterable { case errors, errorIds }

    package init(
        baseURL: String, credential: Secret? = nil, credentialHeader: String = "Authorization",
        runBody: RunBody.Shape = .nested, timeout: Duration = .seconds(30),
        connection: ConnectionOptions = ConnectionOptions(), userAgent: String = "Sluice"
    ) {
        self.baseURL = baseURL
        self.credential = credential
        self.credentialHeader = credentialHeader
        self.runBody = runBody
        self.timeout = timeout
        self.connection = connection
        self.userAgent = userAgent
    }

    /// The base URL with exactly one `/v1`.
    package var root: String {
        let trimmed = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
        return trimmed.hasSuffix("/v1") ? trimmed : trimmed + "/v1"
    }
}
