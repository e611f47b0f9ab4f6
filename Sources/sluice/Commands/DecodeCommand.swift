import ArgumentParser
import ChangeEvents

struct DecodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Decodes Avro payloads, one JSON line each, and never stops at a bad line.",
        discussion: """
            Reads lines {"schema": <Avro JSON>, "payloadHex": "…"} from standard input and writes for each
            {"schemaId": "…", "record": {…}}, with "changedFields" by name for change events, or
            {"error": {"code": "…", "message": "…"}}.
            """)

    @Flag(help: "Lines of JSON in, lines of JSON out; the only form there is.")
    var jsonLines = false

    func validate() throws {
        guard jsonLines else { throw ValidationError("Write `sluice decode --json-lines`.") }
    }

    func run() async throws {
        var decoder = DecodeLines()
        var lines = InputLines()
        var output: [UInt8] = []
        while let line = lines.next() {
            output += decoder.answer(line)
            output.append(UInt8(ascii: "\n"))
            if output.count > 1 << 16 || !lines.hasBufferedLine {
                Terminal.output.write(output)
                output.removeAll(keepingCapacity: true)
            }
        }
        Terminal.output.write(output)
    }
}
