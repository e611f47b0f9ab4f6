import ArgumentParser
import Glibc

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Writes a commented sluice.yaml, a rule file and an example of secrets.")

    @Argument(help: "The folder to write into.")
    var folder = "."

    @Flag(help: "Replace files that are there, but for .env.")
    var force = false

    func run() throws {
        guard !folder.isEmpty else { throw CommandFailure(.badInput, "the name of the folder is empty; `.` is this one.") }
        let base = folder.hasSuffix("/") ? folder : folder + "/"
        let files = Starter.files.map { ($0.path, base + $0.path, $0.text) }
        if !force, let existing = files.first(where: { access($0.1, F_OK) == 0 }) {
            throw CommandFailure(
                .badInput, "\(existing.1) is there already, so nothing was written. Choose another folder, or add --force.")
        }
        for path in [base, base + "rules"] where mkdir(path, 0o777) != 0 && errno != EEXIST {
            throw CommandFailure(.environment, "cannot make the folder \(path): \(String(cString: strerror(errno))).")
        }
        // Secrets that somebody filled in are in no other place.
        let kept = files.filter { $0.0.hasSuffix(".env") && access($0.1, F_OK) == 0 }.map(\.1)
        for (_, path, text) in files where !kept.contains(path) { try write(text, to: path) }
        for path in kept { Terminal.error.write("\(path) is there already, and was left as it is.\n") }
        Terminal.output.write(
            """
            Wrote \(files.filter { !kept.contains($0.1) }.map(\.0).joined(separator: ", ")) in \(base)
            Next: fill in .env, check with `sluice doctor`, then `sluice run`.

            """)
    }

    private func write(_ text: String, to path: String) throws {
        // The example of secrets becomes the file of secrets: nobody else may read it.
        let mode: mode_t = path.hasSuffix(".env") ? 0o600 : 0o644
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw CommandFailure(.environment, "cannot write \(path): \(String(cString: strerror(errno))).")
        }
        defer { close(descriptor) }
        // Also where the file was there already.
        if mode == 0o600 { fchmod(descriptor, mode) }
        guard Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count else {
            throw CommandFailure(.environment, "cannot write \(path): \(String(cString: strerror(errno))).")
        }
    }
}
