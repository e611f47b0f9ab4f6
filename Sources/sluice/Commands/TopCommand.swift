import ArgumentParser
import Glibc
import Relay

struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Shows the relay live: streams, destinations, rules.",
        discussion: "Repaints on a terminal until Ctrl-C. Elsewhere, and with --once or --json, it prints once and ends.")

    @OptionGroup var options: ConfigurationOption
    @Flag(help: "Print once and end.") var once = false
    @Flag(help: "Print JSON, once.") var json = false
    @Option(help: "Seconds between paintings.") var interval = 1.0

    func validate() throws {
        guard (0.1...3600).contains(interval) else { throw ValidationError("--interval is from 0.1 to 3600.") }
    }

    func run() async throws {
        let caller = try ControlCaller.status(options)
        let report = try await caller.report()
        if json { return Terminal.output.write(report.json) }
        guard !once, Terminal.output.isInteractive else { return Terminal.output.write(StatusText(report).text) }
        await paint(caller, report)
    }

    private func paint(_ caller: ControlCaller, _ first: StatusReport) async {
        let signals = StopSignals()
        // Another screen, without a cursor; both come back at the end.
        Terminal.output.write("\u{1B}[?1049h\u{1B}[?25l")
        defer { Terminal.output.write("\u{1B}[?25h\u{1B}[?1049l") }
        let interval = interval
        let painting = Task {
            var text = StatusText(first).text
            while !Task.isCancelled {
                Terminal.output.write(Self.frame(text, Self.size))
                guard (try? await Task.sleep(for: .seconds(interval))) != nil else { return }
                do {
                    text = StatusText(try await caller.report()).text
                } catch let failure as CommandFailure {
                    text = "\(failure.message)\n"
                } catch {
                    text = "\(error)\n"
                }
            }
        }
        _ = await signals.first()
        painting.cancel()
        await painting.value
    }

    /// One screen: what does not fit is cut, what was there before is wiped line by line, so that nothing flickers.
    static func frame(_ text: String, _ size: (rows: Int, columns: Int)) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(max(1, size.rows - 1))
        return "\u{1B}[H" + lines.map { cut($0, size.columns) + "\u{1B}[K\n" }.joined() + "\u{1B}[J"
    }

    /// Colours take no room.
    private static func cut(_ line: Substring, _ columns: Int) -> String {
        guard line.count > columns else { return String(line) }
        var result = ""
        var width = 0
        var isEscape = false
        for character in line {
            if character == "\u{1B}" { isEscape = true }
            if !isEscape {
                guard width < columns else { continue }
                width += 1
            }
            result.append(character)
            if isEscape, character == "m" { isEscape = false }
        }
        return result
    }

    private static var size: (rows: Int, columns: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else {
            return (24, 80)
        }
        return (Int(size.ws_row), Int(size.ws_col))
    }
}
