import Control
import Relay
import Rules
import Settings

/// The rules of a running relay, which goes on with the last set without an error while an edit on disk has some.
struct RunningRules {
    let files: RulesFiles
    private let status: RulesStatus

    /// Nil while no relay runs.
    static func ask(_ configuration: Configuration) async throws -> RunningRules? {
        let client = ControlClient(ControlSocket(storePath: configuration.storePath))
        guard client.isListening else { return nil }
        do throws(ControlError) {
            let answer = try await client.answer(route: "rules.files", Array("{}".utf8))
            let status: RulesStatus = try await client.answer(route: "rules.status", EmptyRequest())
            return RunningRules(files: try RulesFiles(answer), status: status)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Nil if the relay did not keep their text.
    func ruleSet(_ options: Lint.Options) -> RuleSet? {
        files.sources.flatMap { Lint.check($0, options: options).ruleSet }
    }

    /// A line that says so if what is on disk is not in force since it has errors.
    func note(onDisk path: String, _ options: Lint.Options) -> String? {
        let onDisk: LintReport?
        do throws(RuleFolderError) { onDisk = try Lint.check(paths: [path], options: options) } catch { onDisk = nil }
        // What the relay refused for a secret is no error to lint; what was edited just now it has not read yet.
        let errors = max(onDisk?.errorCount ?? 1, status.broken?.errors ?? 0)
        guard errors > 0 else { return nil }
        return "the edited rules in \(path) have \(counted(errors, "error")) and are NOT in force; this is by those that "
            + "are (generation \(files.generation) of the running relay). `sluice rules lint` shows the errors."
    }
}
