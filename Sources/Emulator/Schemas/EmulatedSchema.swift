import Events

/// The writer schema of one event type, with the record shapes, docs and names that Salesforce uses.
///
/// Fields are in wire order: their indices are the bits of the header's bitmaps. The JSON, the fingerprint and the
/// encoder all come from this one description, and none of them from the code that decodes.
package struct EmulatedSchema: Sendable {
    package enum Kind: Sendable { case change, platform }

    package enum FieldType: Sendable, Equatable {
        case string, int, long, double, boolean
        case record(Compound)
        /// Text or a record: `Account.Name` of an org with person accounts.
        case stringOrRecord(Compound)
    }

    /// A compound record such as `Address`. All its fields are nullable.
    package struct Compound: Sendable, Equatable {
        package let name: String
        package let fields: [Component]
    }

    package struct Component: Sendable, Equatable {
        package let name: String
        package let type: FieldType
    }

    package struct Field: Sendable, Equatable {
        package let name: String
        package let type: FieldType
        /// `<role>:<Salesforce type>[:<field ID>]`
        package let doc: String
        package let isNullable: Bool

        init(_ name: String, _ type: FieldType, _ doc: String, isNullable: Bool = true) {
            self.name = name
            self.type = type
            self.doc = doc
            self.isNullable = isNullable
        }
    }

    static let namespace = "com.sforce.eventbus"

    package let kind: Kind
    /// `AccountChangeEvent`, `Order_Ready__e`
    package let name: String
    /// What scripts and headers call it: `Account`, `Order_Ready__e`.
    package let entityName: String
    /// The first three characters of its record IDs; empty for a platform event.
    package let keyPrefix: String
    /// Without the `ChangeEventHeader`, which is field 0 of every change event.
    package let fields: [Field]
    /// What `GetSchema` answers.
    package let json: String
    /// Base64url of the MD5 of the Parsing Canonical Form: 22 characters.
    package let id: String

    init(kind: Kind, name: String, entityName: String, keyPrefix: String = "", fields: [Field]) {
        self.kind = kind
        self.name = name
        self.entityName = entityName
        self.keyPrefix = keyPrefix
        self.fields = fields
        json = SchemaText.full(kind: kind, name: name, fields: fields)
        id = SchemaText.fingerprint(kind: kind, name: name, fields: fields)
    }

    /// The single-entity topic.
    package var topic: String { kind == .change ? "/data/\(name)" : "/event/\(name)" }

    /// The index of the first of `fields` on the wire.
    var firstIndex: Int { kind == .change ? 1 : 0 }

    func index(of field: String) -> Int? {
        fields.firstIndex { $0.name == field }
    }
}
