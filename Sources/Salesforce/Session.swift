import Events

/// A signed-in org: what every call carries.
package struct Session: Sendable, Hashable {
    package var accessToken: Secret
    /// `https://MyDomainName.my.salesforce.com`, no trailing slash: base of REST, and the `instanceurl` header.
    package var instanceURL: String
    package var orgID: OrgID

    package init(accessToken: Secret, instanceURL: String, orgID: OrgID) {
        self.accessToken = accessToken
        self.instanceURL = instanceURL
        self.orgID = orgID
    }
}
