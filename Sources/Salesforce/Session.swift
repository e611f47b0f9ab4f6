import Events

/// A signed-in org: what every call carries.
package struct Session: Sendable, Hashable {
    package var accessToken: Secret
    /// `https://MyDomainName.my.salesforce.com`, no trailing slash: base of REST, and the `instanceurl` header.
    package var instanceURL: String
    package var orgID: OrgID
    /// Of the user who is signed in; nil where no answer told it.
    package var userID: String?
    /// Epoch milliseconds, where introspection told it. Use may move it.
    package var expiresAt: Int64?

    package init(
        accessToken: Secret, instanceURL: String, orgID: OrgID, userID: String? = nil, expiresAt: Int64? = nil
    ) {
        self.accessToken = accessToken
        self.instanceURL = instanceURL
        self.orgID = orgID
        self.userID = userID
        self.expiresAt = expiresAt
    }
}
