/// Which entities each channel of the org carries: the standard one, `ChangeEvents`, and custom ones.
struct OrgChannels: Sendable {
    struct Member: Sendable, Equatable {
        /// `0v8…`
        let id: String
        let schema: EmulatedSchema

        static func == (one: Member, other: Member) -> Bool { one.id == other.id }
    }

    struct Channel: Sendable, Equatable {
        /// `0YL…`; empty for the standard one, which has none.
        let id: String
        /// `ChangeEvents`, `Orders__chn`
        let name: String
        /// A channel carries change events or platform events, never both.
        let kind: EmulatedSchema.Kind
        /// In the order of their selection.
        fileprivate(set) var members: [Member] = []

        var topic: String { (kind == .change ? "/data/" : "/event/") + name }
        var isStandard: Bool { name == OrgChannels.standard }
        /// Without `__chn`.
        var developerName: String { isStandard ? name : String(name.dropLast(OrgChannels.suffix.count)) }

        func carries(_ schema: EmulatedSchema) -> Bool { members.contains { $0.schema.name == schema.name } }
    }

    static let standard = "ChangeEvents"
    static let suffix = "__chn"
    /// Custom ones; Salesforce's own limit.
    static let maximumCustom = 100

    private(set) var all: [Channel]
    private var made: UInt64 = 0

    /// Every object is selected for the standard channel; orders and opportunities also have one of their own.
    init() {
        all = [Channel(id: "", name: Self.standard, kind: .change)]
        all.append(Channel(id: newID("0YL"), name: EmulatorDefaults.orderChannel, kind: .change))
        for schema in SalesforceSchemas.all where schema.kind == .change { add(schema, to: 0) }
        for schema in [SalesforceSchemas.productionOrder, SalesforceSchemas.opportunity] { add(schema, to: 1) }
    }

    func topics(carrying schema: EmulatedSchema) -> [String] {
        all.lazy.filter { $0.carries(schema) }.map(\.topic)
    }

    /// Without a selection there are no change events; platform events need none.
    func isSelected(_ schema: EmulatedSchema) -> Bool {
        schema.kind == .platform || all.contains { $0.carries(schema) }
    }

    /// - Returns: the topic of a channel that is new.
    mutating func change(_ edit: ChannelEdit) throws(EmulatorError) -> String? {
        var schemas: [EmulatedSchema] = []
        for entity in edit.add { schemas.append(try EmulatedOrg.schema(of: entity)) }
        var next = self
        let isNew = !next.all.contains { $0.name == edit.name }
        if isNew { try next.make(edit.name, for: schemas) }
        guard let index = next.all.firstIndex(where: { $0.name == edit.name }) else { return nil }
        for schema in schemas {
            guard schema.kind == next.all[index].kind else {
                throw .notThere("\(edit.name) carries \(next.all[index].kind.plural), and \(schema.name) is none")
            }
            if !next.all[index].carries(schema) { next.add(schema, to: index) }
        }
        for entity in edit.remove {
            let schema = try EmulatedOrg.schema(of: entity)
            guard next.all[index].carries(schema) else { throw .notThere("\(edit.name) does not carry \(entity)") }
            next.all[index].members.removeAll { $0.schema.name == schema.name }
        }
        self = next
        return isNew ? all[index].topic : nil
    }

    private mutating func make(_ name: String, for schemas: [EmulatedSchema]) throws(EmulatorError) {
        guard let first = schemas.first else {
            throw .notThere("there is no channel \(name); one that is to be made needs an entity to carry")
        }
        guard all.count - 1 < Self.maximumCustom else {
            throw .notThere("an org has at most \(Self.maximumCustom) custom channels")
        }
        all.append(Channel(id: newID("0YL"), name: name, kind: first.kind))
    }

    private mutating func add(_ schema: EmulatedSchema, to index: Int) {
        all[index].members.append(Member(id: newID("0v8"), schema: schema))
    }

    private mutating func newID(_ prefix: String) -> String {
        made += 1
        return SalesforceID.make(prefix: prefix, number: made)
    }
}

extension EmulatedSchema.Kind {
    fileprivate var plural: String { self == .change ? "change events" : "platform events" }
}
