import CEL
import Events

/// A map with fields that may be absent: a compound field, the labels of a rule, constants.
final class CompoundObject: CELObject {
    let fields: Fields

    init(_ fields: Fields) { self.fields = fields }

    var typeName: String { "map" }

    func member(_ name: CELName) -> CELValue? { fields[name.text].map { CELValue($0) } }

    func presentMembers() -> [(name: String, value: CELValue)] {
        fields.fields.map { ($0.name, CELValue($0.value)) }
    }

    func equals(_ other: any CELObject) -> Bool { (other as? CompoundObject)?.fields == fields }
}

/// A struct that always has all of its members, in a fixed order.
protocol StructObject: CELObject {
    associatedtype Member: RawRepresentable<String> & CaseIterable & Sendable

    static var members: MemberTable<Member> { get }
    func value(of member: Member) -> CELValue
}

/// The members of a struct by the numbers of their names.
struct MemberTable<Member: RawRepresentable<String> & CaseIterable & Sendable>: Sendable {
    private let byNumber: [Member?]

    init() {
        var members: [Member?] = []
        for member in Member.allCases {
            let number = MemberNumbers.shared.number(of: member.rawValue)
            guard number >= 0 else { continue }
            members += Array(repeating: nil, count: max(0, number + 1 - members.count))
            members[number] = member
        }
        byNumber = members
    }

    subscript(name: CELName) -> Member? {
        byNumber.indices.contains(name.id) ? byNumber[name.id] : Member(rawValue: name.text)
    }
}

extension StructObject {
    func member(_ name: CELName) -> CELValue? { Self.members[name].map(value) }

    func presentMembers() -> [(name: String, value: CELValue)] {
        Member.allCases.map { ($0.rawValue, value(of: $0)) }
    }
}

/// `event`: what is known of the event besides its record.
final class EventObject: StructObject {
    enum Member: String, CaseIterable {
        case id, kind, entity, change, topic, replayId, schemaId, time, receivedAt, fetched, replayed
    }

    static let members = MemberTable<Member>()

    let event: Event
    /// Of a gap event that is taken as an ordinary change, the underlying kind.
    let change: String

    init(_ event: Event, change: String) {
        self.event = event
        self.change = change
    }

    var typeName: String { "event" }

    func value(of member: Member) -> CELValue {
        switch member {
        case .id: .string(event.id)
        case .kind: .string(event.kind.rawValue)
        case .entity: .string(event.entity)
        case .change: .string(change)
        case .topic: .string(event.topic)
        case .replayId: .string(event.replayID.description)
        case .schemaId: .string(event.schemaID)
        case .time: CELValue(milliseconds: event.time)
        case .receivedAt: CELValue(milliseconds: event.receivedAt)
        case .fetched: .bool(event.fetched)
        case .replayed: .bool(event.replayed)
        }
    }
}

/// `header`: the ChangeEventHeader, as Salesforce names it.
final class HeaderObject: StructObject {
    enum Member: String, CaseIterable {
        case entityName, recordIds, changeType, changeOrigin, transactionKey, sequenceNumber, commitTimestamp
        case commitNumber, commitUser, changedFields, nulledFields, diffFields
    }

    static let members = MemberTable<Member>()

    let header: ChangeEventHeader

    init(_ header: ChangeEventHeader) { self.header = header }

    var typeName: String { "header" }

    func value(of member: Member) -> CELValue {
        switch member {
        case .entityName: .string(header.entityName)
        case .recordIds: .strings(header.recordIds)
        case .changeType: .string(header.changeType.symbol)
        case .changeOrigin: .string(header.changeOrigin)
        case .transactionKey: .string(header.transactionKey)
        case .sequenceNumber: .int(header.sequenceNumber)
        case .commitTimestamp: .int(header.commitTimestamp)
        case .commitNumber: .int(header.commitNumber)
        case .commitUser: .string(header.commitUser)
        case .changedFields: .strings(header.changedFields)
        case .nulledFields: .strings(header.nulledFields)
        case .diffFields: .strings(header.diffFields)
        }
    }
}

final class OrgObject: StructObject {
    enum Member: String, CaseIterable { case id, alias, sandbox }

    static let members = MemberTable<Member>()

    let org: Org

    init(_ org: Org) { self.org = org }

    var typeName: String { "org" }

    func value(of member: Member) -> CELValue {
        switch member {
        case .id: .string(org.id)
        case .alias: .string(org.alias)
        case .sandbox: .bool(org.isSandbox)
        }
    }
}

/// `record`: what the event tells about its record.
final class RecordObject: CELObject {
    let record: any RecordView

    init(_ record: any RecordView) { self.record = record }

    var typeName: String { "map" }

    func member(_ name: CELName) -> CELValue? {
        guard let shape = record.shape else { return record.value(at: [name.text]).map { CELValue($0) } }
        guard let slot = shape.topLevelSlot(of: name.text) else { return nil }
        return record.value(slot: slot).map { CELValue($0) }
    }

    func presentMembers() -> [(name: String, value: CELValue)] {
        record.known().fields.map { ($0.name, CELValue($0.value)) }
    }

    func equals(_ other: any CELObject) -> Bool {
        guard let other = other as? RecordObject else { return false }
        return other.record.known() == record.known()
    }
}

/// `rule`
final class RuleObject: CELObject {
    private let id: CELValue
    private let labels: CELValue

    init(id: String, labels: Fields) {
        self.id = .string(id)
        self.labels = .object(CompoundObject(labels))
    }

    var typeName: String { "rule" }

    func member(_ name: CELName) -> CELValue? {
        switch name.text {
        case "id": id
        case "labels": labels
        default: nil
        }
    }

    func presentMembers() -> [(name: String, value: CELValue)] { [("id", id), ("labels", labels)] }
}
