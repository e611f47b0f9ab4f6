import CEL

/// What is known of an object or platform event: its fields with their types and picklist values.
package struct EntitySchema: Sendable, Equatable {
    /// API name: `Opportunity`, `sfy24__ProductionOrder__c`, `Order_Ready__e`.
    package var name: String
    /// In the order of the schema.
    package var fields: [FieldSchema]

    package init(name: String, fields: [FieldSchema]) {
        self.name = name
        self.fields = fields
    }

    /// - Parameter path: dotted for components of a compound field: `BillingAddress.City`.
    package func field(_ path: String) -> FieldSchema? {
        var fields = fields
        var found: FieldSchema?
        for step in path.split(separator: ".", omittingEmptySubsequences: false) {
            guard let next = fields.first(where: { $0.name == step }) else { return nil }
            found = next
            fields = next.components
        }
        return found
    }

    /// All names, those of components dotted.
    package var paths: [String] {
        fields.flatMap { field in [field.name] + field.components.map { "\(field.name).\($0.name)" } }
    }
}

package struct FieldSchema: Sendable, Equatable {
    package var name: String
    /// As an event tells it; `dyn` for compound fields, whose components have their own.
    package var type: CELType
    /// False if the org never leaves it empty.
    package var mayBeNull = true
    /// A describe answer told about it, and not only an event schema.
    package var isDescribed = false
    /// Active values; nil if it is no picklist, or nothing is known.
    package var picklist: [String]?
    /// Whether only those values can be stored.
    package var isRestricted = false
    /// Objects that it refers to.
    package var referenceTo: [String] = []
    package var components: [FieldSchema] = []

    package init(_ name: String, _ type: CELType) {
        self.name = name
        self.type = type
    }
}
