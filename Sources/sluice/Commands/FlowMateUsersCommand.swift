import ArgumentParser
import FlowMate

struct FlowMateUsersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "users", abstract: "Lists users with both their IDs.",
        discussion: "USER ID is the one that your system gave; rules name users by it. FLOWMATE ID is the one that "
            + "flows carry as their owner.")

    @OptionGroup var options: FlowMateOptions
    @Argument(help: "Only these, by the IDs that your system gave.") var names: [String] = []
    @Option(help: "Only this one, by FlowMate's own ID. May be repeated.") var id: [String] = []

    func run() async throws {
        let client = try options.client()
        let answer: FlowMateAnswer<[FlowMateUser]>
        do throws(FlowMateError) {
            answer = try await client.users(.init(usernames: names, ids: id))
        } catch  where error.status == 404 {
            throw CommandFailure(.environment, error, advice: await Self.elsewhere(client))
        } catch {
            answer = try await flowMateAnswer { () throws(FlowMateError) in throw error }
        }
        if options.json { return Terminal.output.write(jsonLine(answer.json)) }
        let missing = names.filter { name in !answer.content.contains { $0.isNamed(name) } }
        if answer.content.isEmpty {
            Terminal.error.write("No users.\n")
        } else {
            Terminal.output.write(table(answer.content))
        }
        guard missing.isEmpty else {
            throw CommandFailure(.badInput, "FlowMate has no user \(missing.map { "'\($0)'" }.joined(separator: ", "))")
        }
    }

    private func table(_ users: [FlowMateUser]) -> String {
        var table = Table(["USER ID", "FLOWMATE ID", "STATUS", "TENANT"])
        for user in users { table.add([user.username.printable, user.id, user.status ?? "-", user.tenant ?? "-"]) }
        return table.text
    }

    /// FlowMate's documents name three paths for users.
    private static func elsewhere(_ client: FlowMateClient) async -> String {
        let paths = await client.answeringUserPaths()
        if paths.isEmpty { return " No other known path of the user list answers either: is baseUrl right?" }
        return " The user list answers at \(paths.joined(separator: " and ")): use --path users=\(paths[0])."
    }
}
