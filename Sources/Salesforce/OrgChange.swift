/// A sign-in that led elsewhere than the one before: a sandbox was refreshed, or the org moved.
package struct OrgChange: Sendable, Equatable, CustomStringConvertible {
    /// What to do when the org itself is another one. A move alone is always followed.
    package enum Policy: String, Sendable, CaseIterable {
        /// Serve nothing until somebody restarts: cursors and deliveries belong to the other org.
        case stop
        /// Go on with the new org; its cursors begin anew.
        case follow
    }

    package var oldOrgID: OrgID
    package var newOrgID: OrgID
    package var oldInstanceURL: String
    package var newInstanceURL: String

    /// Nil if both sessions are of the same org in the same place.
    init?(from old: Session, to new: Session) {
        guard old.orgID != new.orgID || old.instanceURL != new.instanceURL else { return nil }
        oldOrgID = old.orgID
        newOrgID = new.orgID
        oldInstanceURL = old.instanceURL
        newInstanceURL = new.instanceURL
    }

    /// Whether the relay goes on there.
    package func isFollowed(by policy: Policy) -> Bool { !isOtherOrg || policy == .follow }

    package var isOtherOrg: Bool { oldOrgID != newOrgID }

    package var description: String {
        isOtherOrg
            ? "the org is \(newOrgID) now and was \(oldOrgID): a sandbox was refreshed, or the credentials are of "
                + "another org. Replay IDs of the old one mean nothing in it"
            : "the org moved from \(oldInstanceURL) to \(newInstanceURL). Replay IDs may repeat or go back after a move"
    }
}
