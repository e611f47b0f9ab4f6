import Events
import Logging

/// One line for each entry on standard error: text for people, JSON for collectors.
struct LineLogHandler: LogHandler {
    enum Format: Sendable { case text, json }

    let label: String
    let format: Format
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let values = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let now = TimeSource.system.wall()
        // Always with milliseconds, so that lines stand in columns.
        let time = "\(Timestamp.dateOnly(now))T\(Timestamp.timeOnly(now))Z"
        switch format {
        case .text: LogWriter.shared.write(Array(text(event.level, "\(event.message)", values, time).utf8))
        case .json: LogWriter.shared.write(json(event.level, "\(event.message)", values, time))
        }
    }

    private func text(
        _ level: Logger.Level, _ message: String, _ values: [(key: String, value: Logger.MetadataValue)], _ time: String
    ) -> String {
        let name = level.rawValue.uppercased()
        let padded = name + String(repeating: " ", count: max(0, 7 - name.count))
        let shown =
            switch level {
            case .error, .critical: Terminal.error.styled(padded, .red)
            case .warning: Terminal.error.styled(padded, .yellow)
            default: padded
            }
        let context = Self.oneLine(values.map { " \($0.key)=\($0.value)" }.joined())
        return "\(time) \(shown) \(Self.oneLine(message))\(Terminal.error.styled(context, .dim))\n"
    }

    private func json(
        _ level: Logger.Level, _ message: String, _ values: [(key: String, value: Logger.MetadataValue)], _ time: String
    ) -> [UInt8] {
        var fields: Fields = [
            "time": .string(time), "level": .string(level.rawValue), "message": .string(message),
        ]
        for (key, value) in values { fields.append(key, .string("\(value)")) }
        var line = JSONText()
        line.value(.record(fields))
        return line.bytes + [UInt8(ascii: "\n")]
    }

    private static func oneLine(_ text: String) -> String {
        text.contains(where: \.isNewline) ? text.split(whereSeparator: \.isNewline).joined(separator: " ⏎ ") : text
    }
}
