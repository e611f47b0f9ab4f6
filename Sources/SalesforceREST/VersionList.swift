import Curl
import Events
import Salesforce

/// The versions of the REST API that an address serves. Anybody may ask: it needs no sign-in.
package struct VersionList: Sendable {
    package struct Version: Sendable, Equatable {
        /// `62.0`
        package var number: String
        /// `Winter '25`
        package var label: String
    }

    private static let action = "read the API versions"

    private let host: LoginURL
    private let http: any HTTPClient
    private let connection: ConnectionOptions
    private let time: TimeSource

    package init(
        _ host: LoginURL, http: any HTTPClient, connection: ConnectionOptions = ConnectionOptions(),
        time: TimeSource = .system
    ) {
        self.host = host
        self.http = http
        self.connection = connection
        self.time = time
    }

    /// Oldest first.
    package func versions() async throws(RESTError) -> [Version] {
        var retry = RESTRetry()
        var generator = SystemRandomNumberGenerator()
        while true {
            do throws(RESTError) {
                return try await asked()
            } catch {
                guard case .wait(let pause) = retry.next(after: error, isRepeatable: true, using: &generator) else {
                    throw error
                }
                do { try await time.sleep(pause) } catch { throw .cancelled(Self.action) }
            }
        }
    }

    private func asked() async throws(RESTError) -> [Version] {
        var request = HTTPRequest(
            url: "\(host)/services/data", headers: [.init("Accept", "application/json")], connection: connection)
        request.acceptsCompression = true
        let response: HTTPResponse
        do throws(TransportError) {
            response = try await http.send(request)
        } catch {
            throw RESTError(error, action: Self.action)
        }
        guard response.status == 200 else { throw RESTError(response, action: Self.action) }
        let answer = RESTAnswer(status: 200, response: response, action: Self.action)
        guard let versions = try answer.json().list else { throw answer.unexpected("it is no list of versions") }
        return versions.compactMap { version in
            version.text("version").map { Version(number: $0, label: version.text("label") ?? "") }
        }
    }
}
