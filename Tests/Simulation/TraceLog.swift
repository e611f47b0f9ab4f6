import Logging

/// The relay's log, as lines of the trace.
struct TraceLog: LogHandler {
    let machine: Machine
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        machine.trace.say(machine.now, "\(event.level): \(event.message)")
    }
}
