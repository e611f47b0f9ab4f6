import Synchronization

/// The orgs of sluice.yaml as destinations. Each puts itself here when it is set up.
package final class SalesforceOrgs: Sendable {
    /// How long a write waits for others to go with it.
    let gather: Duration
    private let known: [String: String]?
    private let writers = Mutex<[String: any SalesforceWriter]>([:])
    private let makeWriter: (@Sendable (String) -> any SalesforceWriter)?

    /// - Parameter clients: by the org's name: `rest.clientName`.
    package init(clients: [String: String], gather: Duration = SalesforceSink.gather) {
        known = clients
        self.gather = gather
        makeWriter = nil
    }

    /// Every org there may be, for rehearsals.
    package init(writer: @escaping @Sendable (_ org: String) -> any SalesforceWriter) {
        known = nil
        gather = .zero
        makeWriter = writer
    }

    package func register(_ writer: any SalesforceWriter, as org: String) { writers.withLock { $0[org] = writer } }

    func writer(_ org: String) -> (any SalesforceWriter)? { writers.withLock { $0[org] } ?? makeWriter?(org) }

    /// - Returns: what is wrong with a destination that names this org, and what mends it.
    func problem(org: String, client: String) -> (key: String, message: String, hint: String)? {
        guard let known else { return nil }
        guard let name = known[org] else {
            let names = known.keys.sorted().joined(separator: ", ")
            return ("org", "sluice.yaml has no org '\(org)'", "It has: \(names).")
        }
        guard name != client else { return nil }
        return (
            "client", "the org's rest.clientName is '\(name)', not '\(client)'",
            "Write client: \(name), so that own changes are left out."
        )
    }
}
