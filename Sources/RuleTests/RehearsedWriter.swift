import Curl
import Events
import Relay

/// Writes to an org as they would be called one by one, for tests of rules: nothing is signed in to.
struct RehearsedWriter: SalesforceWriter {
    let org: String
    let http: any HTTPClient

    func save(_ kind: SalesforceWrite.Kind, _ writes: [SalesforceWrite]) async -> [AttemptOutcome] {
        var outcomes: [AttemptOutcome] = []
        for write in writes { outcomes.append(await save(write)) }
        return outcomes
    }

    private func save(_ write: SalesforceWrite) async -> AttemptOutcome {
        let request = HTTPRequest(
            method: write.method, url: "https://\(org).my.salesforce.test/services/data/v62.0\(write.path)",
            headers: [HTTPRequest.Header("Content-Type", "application/json")], body: write.body)
        do {
            let response = try await http.send(request)
            let note = AttemptNote(status: response.status, reason: "HTTP \(response.status)")
            if (200..<300).contains(response.status) { return .delivered(note) }
            return response.status >= 500 ? .retry(note, after: nil) : .park(note)
        } catch {
            return .retry(AttemptNote(reason: error.description), after: nil)
        }
    }
}
