import ArgumentParser
import Events
import Relay
import Salesforce
import Settings

struct SalesforceLogoutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Revokes the stored refresh token and removes it.",
        discussion: "Access tokens that it gave end with it: a running relay of this org stops at its next call.")

    @OptionGroup var org: SalesforceOrgOption
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        let org = try org.load()
        let refresh = try org.refreshToken()
        let file = refresh.store(org: org.configuration.alias, org.secrets)
        let wasKnown: Bool
        do throws(SignInError) {
            let lock = try await file.lock(.system)
            defer { lock.release() }
            wasKnown = try await revoke(file, org, refresh)
        } catch {
            throw CommandFailure(error)
        }
        if json { return printJSON(.record(["revoked": .bool(wasKnown)])) }
        Terminal.output.write(
            wasKnown
                ? "Signed out; the token is revoked.\n" : "Signed out; Salesforce did not know the token any more.\n")
    }

    private func revoke(
        _ file: TokenFile, _ org: SalesforceOrg, _ refresh: RefreshTokenConfiguration
    ) async throws(SignInError) -> Bool {
        let grant: StoredGrant?
        do throws(SetupError) { grant = try file.load() } catch { throw .setup(error) }
        guard let grant else { return false }
        // Revoking needs the token alone.
        let service = TokenService(
            loginURL: org.loginURL, clientID: Secret(""), clientSecret: nil, connection: org.configuration.tls.options,
            http: org.http)
        let wasKnown = try await service.revoke(grant.refreshToken)
        do throws(SetupError) { try file.remove() } catch { throw .setup(error) }
        return wasKnown
    }
}
