import CEL
import Events

/// `batch`: the events of one coalesced delivery; without `coalesce`, a batch of one.
final class BatchObject: StructObject {
    enum Member: String, CaseIterable { case count, firstCommit, lastCommit, recordIds, changes, events }

    static let members = MemberTable<Member>()

    let members: [BatchMember]
    private let withRecords: Bool

    /// - Parameter members: at least one, in the order of the stream.
    init(_ members: [BatchMember], withRecords: Bool) {
        precondition(!members.isEmpty, "a batch has at least one event")
        self.members = members
        self.withRecords = withRecords
    }

    var typeName: String { "batch" }

    func value(of member: Member) -> CELValue {
        switch member {
        case .count: .int(Int64(members.count))
        case .firstCommit: CELValue(milliseconds: members.map(\.event.time).min()!)
        case .lastCommit: CELValue(milliseconds: members.map(\.event.time).max()!)
        case .recordIds: .strings(Self.distinct(members.map(\.event.recordID).filter { !$0.isEmpty }))
        case .changes: .strings(Self.distinct(members.map(\.change).filter { !$0.isEmpty }))
        case .events: .list(members.map(entry))
        }
    }

    private func entry(_ member: BatchMember) -> CELValue {
        var entries: [(CELKey, CELValue)] = [
            (.string("id"), .string(member.event.id)), (.string("change"), .string(member.change)),
            (.string("recordId"), .string(member.event.recordID)),
            (.string("time"), CELValue(milliseconds: member.event.time)),
        ]
        if let header = member.event.header {
            // A commit may touch several objects, and a receiver may want to see that nothing of it is missing.
            entries += [
                (.string("entity"), .string(member.event.entity)),
                (.string("transactionKey"), .string(header.transactionKey)),
                (.string("sequenceNumber"), .int(Int64(header.sequenceNumber))),
                (.string("commitNumber"), .int(header.commitNumber)),
            ]
        }
        if withRecords { entries.append((.string("record"), .object(RecordObject(member.event.record)))) }
        return .map(CELMap(entries))
    }

    /// First-seen order.
    private static func distinct(_ texts: [String]) -> [String] {
        var seen: Set<String> = []
        return texts.filter { seen.insert($0).inserted }
    }
}

/// One event of a coalesced delivery, as its rule takes it.
package struct BatchMember: Sendable {
    package var event: Event
    /// `event.change`: of a gap event that is taken as an ordinary change, the underlying kind.
    package var change: String

    package init(event: Event, change: String) {
        self.event = event
        self.change = change
    }
}
