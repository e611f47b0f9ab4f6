import ArgumentParser
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
        guard !once, Terminal.output.isInteractive else {
            return Terminal.output.write(StatusText(report, columns: Terminal.output.size?.columns).text)
        }
        await paint(caller, report)
    }

    private func paint(_ caller: ControlCaller, _ first: StatusReport) async {
        let signals = StopSignals()
        // Another screen, without a cursor; both come back at the end.
        Terminal.output.write("\u{1B}[?1049h\u{1B}[?25l")
        defer { Terminal.output.write("\u{1B}[?25h\u{1B}[?1049l") }
        let interval = interval
        let painting = Task {
            var report: Result<StatusReport, CommandFailure> = .success(first)
            while !Task.isCancelled {
                // A window may be made wider or narrower meanwhile.
                Terminal.output.write(Self.frame(report, Terminal.output.size ?? (24, 80)))
                guard (try? await Task.sleep(for: .seconds(interval))) != nil else { return }
                do {
                    report = .success(try await caller.report())
                } catch let failure as CommandFailure {
                    report = .failure(failure)
                } catch {
                    report = .failure(CommandFailure(.failed, "\(error)"))
                }
            }
        }
        _ = await signals.first()
        painting.cancel()
        await painting.value
    }

    /// One screen: what does not fit is cut, and said so; what was there before is wiped line by line, so that nothing
    /// flickers.
    private static func frame(
        _ report: Result<StatusReport, CommandFailure>, _ size: (rows: Int, columns: Int)
    ) -> String {
        let text =
            switch report {
            case .success(let report): StatusText(report, columns: size.columns).text
            case .failure(let failure): "\(failure.message)\n"
            }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        let room = max(2, size.rows - 1)
        if lines.count > room {
            let more = lines.count - room + 1
            lines.removeLast(more)
            lines.append("… \(counted(more, "more line")): a taller window shows them, or `sluice status`")
        }
        return "\u{1B}[H" + lines.map { cut($0, size.columns) + "\u{1B}[K\n" }.joined() + "\u{1B}[J"
    }

    /// Colours take no room.
    private static func cut(_ line: Substring, _ columns: Int) -> String {
        guard line.count > columns, visible(line) > columns else { return String(line) }
        var result = ""
        var width = 0
        var isEscape = false
        for character in line {
            if character == "\u{1B}" { isEscape = true }
            if !isEscape {
                width += 1
                guard width <= columns else { continue }
            }
            result.append(!isEscape && width == columns ? "…" : character)
            if isEscape, character == "m" { isEscape = false }
        }
        return result
    }

    private static func visible(_ line: Substring) -> Int {
        var isEscape = false
        return line.count { character in
            if character == "\u{1B}" { isEscape = true }
            defer { if character == "m" { isEscape = false } }
            return !isEscape
        }
    }
}
