import ArgumentParser
import Relay

/// Subcommands that are not there. The parser shows the help of what stands before one (`sluice help rules lnt`), as if
/// nothing were wrong, or calls it an argument.
enum CommandNames {
    /// - Parameter words: of the command line, behind the program's name.
    static func check(_ words: [String], of root: any ParsableCommand.Type) throws {
        let isHelp = words.first == "help"
        var command = root
        var path = root._commandName
        for word in isHelp ? words.dropFirst() : words[...] {
            // Options, and arguments of a command, are the parser's.
            guard !word.hasPrefix("-") else { return }
            let subcommands = command.configuration.subcommands
            if let next = subcommands.first(where: { $0._commandName == word || $0.configuration.aliases.contains(word) }) {
                command = next
                path += " \(word)"
                continue
            }
            let mayBeArgument = subcommands.isEmpty || command.configuration.defaultSubcommand != nil
            guard isHelp || !mayBeArgument else { return }
            throw CommandFailure(
                .badInput,
                UnknownName.text(
                    "there is no command '\(path) \(word)'", word, among: subcommands.map { $0._commandName }, has: "There is",
                    hasNone: "'\(path)' has no commands below it."))
        }
    }
}
