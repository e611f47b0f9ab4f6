import Avro
import Events

extension EventSchema {
    private static let lists = ["nulledFields", "diffFields", "changedFields"]

    /// The field lists of the header as they came, `["0x800000", "6-0x01"]`: what other tools show, to compare with.
    /// Nil for platform events, and for payloads that cannot be decoded.
    package func bitmaps(of payload: [UInt8]) -> Fields? {
        guard isChangeEvent else { return nil }
        var buffer = JSONBuffer()
        guard (try? decoder.appendJSON(payload, to: &buffer)) != nil,
            case .record(let record)? = try? JSONReader.parse(buffer.bytes),
            case .record(let header)? = record["ChangeEventHeader"]
        else { return nil }
        return Fields(Self.lists.compactMap { name in header[name].map { Fields.Field(name: name, value: $0) } })
    }
}
