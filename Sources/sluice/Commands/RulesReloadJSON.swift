import Events
import Relay

extension ReloadAnswer {
    /// One line; times are RFC 3339.
    var json: [UInt8] {
        func names(_ names: [String]) -> Value { .list(names.map(Value.string)) }
        var text = JSONText()
        text.value(
            .record([
                "outcome": .string(outcome.rawValue), "generation": .int(Int64(status.generation)),
                "hash": .string(status.hash), "loadedAt": .timestamp(status.loadedAt),
                "rules": .int(Int64(status.rules)), "destinations": .int(Int64(status.destinations)),
                "errors": .int(Int64(status.broken?.errors ?? 0)), "rulesAdded": .int(Int64(rulesAdded)),
                "rulesRemoved": .int(Int64(rulesRemoved)), "destinationsAdded": names(destinationsAdded),
                "destinationsRemoved": names(destinationsRemoved), "destinationsChanged": names(destinationsChanged),
                "milliseconds": .int(milliseconds), "text": .string(self.text),
            ]))
        return text.bytes + [UInt8(ascii: "\n")]
    }
}
