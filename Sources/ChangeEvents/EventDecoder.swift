import Avro
import Events

/// `ConsumerEvent` to `Event`s: one per record of a merged change.
package struct EventDecoder: Sendable {
    /// Salesforce merges some tens of records; above this the event is refused rather than multiplied.
    package static let maximumRecords = 10_000

    package let org: Org
    private let recentHeader = RecentHeaderSlot()

    package init(org: Org) { self.org = org }

    /// - Parameters:
    ///   - schema: the one that `event.schemaID` names; never another, since wrong schemas can decode too.
    ///   - receivedAt: epoch milliseconds.
    /// - Throws: `UndecodableEvent`; the event then belongs in quarantine, a retry cannot help.
    package func decode(
        _ event: ConsumerEvent, schema: EventSchema, topic: String, receivedAt: Int64
    ) throws(UndecodableEvent) -> [Event] {
        precondition(event.schemaID == schema.id, "an event is decoded with the schema that it names")
        var header = ChangeEventHeader.empty
        let payload = try payload(of: event, schema: schema, &header)
        guard schema.isChangeEvent else {
            return [platformEvent(event, payload, topic: topic, receivedAt: receivedAt)]
        }
        if header.recordIds.count == 1 {
            let id = header.recordIds[0]
            return [changeEvent(event, payload, consume header, recordID: id, topic: topic, receivedAt: receivedAt)]
        }
        let records = header.recordIds.isEmpty ? [""] : distinct(header.recordIds)
        guard records.count <= Self.maximumRecords else {
            throw UndecodableEvent(schemaID: event.schemaID, reason: .tooManyRecords(records.count))
        }
        return records.map { id in
            changeEvent(event, payload, header, recordID: id, topic: topic, receivedAt: receivedAt)
        }
    }

    private func payload(
        of event: ConsumerEvent, schema: EventSchema, _ header: inout ChangeEventHeader
    ) throws(UndecodableEvent) -> DecodedPayload {
        var recent = RecentHeader()
        recentHeader.exchange(&recent)
        defer { recentHeader.exchange(&recent) }
        do throws(AvroDecodeError) {
            return try DecodedPayload(event.payload, schema: schema, header: &header, recent: &recent)
        } catch {
            throw UndecodableEvent(schemaID: event.schemaID, reason: .payload(error))
        }
    }

    private func changeEvent(
        _ event: ConsumerEvent, _ payload: DecodedPayload, _ header: consuming ChangeEventHeader, recordID: String,
        topic: String, receivedAt: Int64
    ) -> Event {
        let isNameable = Self.isNameable(recordID)
        let record = EventRecord(source: payload, reading: isNameable ? Self.reading(header.changeType) : .nothing)
        return Event(
            id: event.id, kind: .change, entity: header.entityName, topic: topic, replayID: event.replayID,
            schemaID: event.schemaID, time: Self.sound(header.commitTimestamp, else: receivedAt),
            receivedAt: receivedAt, header: header, recordID: isNameable ? recordID : "", record: record, org: org)
    }

    private func platformEvent(
        _ event: ConsumerEvent, _ payload: DecodedPayload, topic: String, receivedAt: Int64
    ) -> Event {
        let record = EventRecord(source: payload, reading: .full)
        var time = receivedAt
        switch record.value(at: ["CreatedDate"]) {
        // The publisher writes it, and nobody checks that.
        case .timestamp(let milliseconds), .int(let milliseconds): time = Self.sound(milliseconds, else: receivedAt)
        default: break
        }
        return Event(
            id: event.id, kind: .platform, entity: payload.schema.name, topic: topic, replayID: event.replayID,
            schemaID: event.schemaID, time: time, receivedAt: receivedAt, header: nil, recordID: "", record: record,
            org: org)
    }

    /// From 1970 to 9999: everything downstream may add to times and take one from another.
    private static func sound(_ milliseconds: Int64, else other: Int64) -> Int64 {
        (0...253_402_300_799_999).contains(milliseconds) ? milliseconds : other
    }

    /// In first-seen order.
    private func distinct(_ ids: [String]) -> [String] {
        var seen: Set<String> = []
        return ids.filter { seen.insert($0).inserted }
    }

    /// `001*` stands for all records of an object, the zero ID for an overflow.
    private static func isNameable(_ id: String) -> Bool {
        id.utf8.count == 18
            ? id != "000000000000000AAA" : !id.isEmpty && !id.utf8.contains(UInt8(ascii: "*"))
    }

    private static func reading(_ type: ChangeType) -> EventRecord.Reading {
        switch type {
        case .create, .undelete, .snapshot: .full
        case .update, .unknown: .update
        case .delete: .delete
        case .gapCreate, .gapUpdate, .gapDelete, .gapUndelete, .gapOverflow: .nothing
        }
    }
}

/// An event whose payload cannot be read. Its raw bytes and schema ID are to be kept.
package struct UndecodableEvent: Error, Equatable, CustomStringConvertible {
    package enum Reason: Sendable, Equatable {
        case payload(AvroDecodeError)
        case tooManyRecords(Int)
    }

    package var schemaID: String
    package var reason: Reason

    package init(schemaID: String, reason: Reason) {
        self.schemaID = schemaID
        self.reason = reason
    }

    package var description: String {
        switch reason {
        case .payload(let error): "cannot decode the payload with schema \(schemaID): \(error)"
        case .tooManyRecords(let count):
            "cannot split the event (schema \(schemaID)): \(count) records, at most \(EventDecoder.maximumRecords)"
        }
    }
}
