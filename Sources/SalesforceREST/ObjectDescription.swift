import Events

/// What `describe` tells of an object, as far as a relay asks.
package struct ObjectDescription: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        /// API name.
        package var name: String
        package var label: String
        /// `string`, `double`, `datetime`, `address`, …
        package var type: String
        /// The compound that this is a component of: `BillingAddress` of `BillingCity`.
        package var compound: String?
        package var length: Int
        package var isNillable: Bool
        package var isCreateable: Bool
        package var isUpdateable: Bool
        package var isExternalID: Bool
        package var isCalculated: Bool
        package var isCustom: Bool
        /// Objects that a reference may point to.
        package var referenceTo: [String]
        /// API values of active entries.
        package var picklist: [String]
    }

    package var name: String
    package var label: String
    /// The first three characters of its records' IDs.
    package var keyPrefix: String
    package var isQueryable: Bool
    package var isCustom: Bool
    package var fields: [Field]

    package func field(_ name: String) -> Field? { fields.first { $0.name == name } }
}

extension ObjectDescription {
    /// - Returns: nil if it is no answer to `describe`.
    init?(_ value: Value) {
        guard let name = value.text("name"), let fields = value.list("fields") else { return nil }
        self.init(
            name: name, label: value.text("label") ?? name, keyPrefix: value.text("keyPrefix") ?? "",
            isQueryable: value.flag("queryable"), isCustom: value.flag("custom"), fields: fields.compactMap(Field.init))
    }
}

extension ObjectDescription.Field {
    init?(_ value: Value) {
        guard let name = value.text("name"), let type = value.text("type") else { return nil }
        let compound = value.text("compoundFieldName")
        self.init(
            name: name, label: value.text("label") ?? name, type: type, compound: compound == name ? nil : compound,
            length: value.integer("length") ?? 0, isNillable: value.flag("nillable"),
            isCreateable: value.flag("createable"), isUpdateable: value.flag("updateable"),
            isExternalID: value.flag("externalId"), isCalculated: value.flag("calculated"),
            isCustom: value.flag("custom"), referenceTo: (value.list("referenceTo") ?? []).compactMap(\.text),
            picklist: (value.list("picklistValues") ?? []).filter { $0.flag("active") }.compactMap { $0.text("value") })
    }
}

/// One line of the global describe.
package struct ObjectSummary: Sendable, Equatable {
    package var name: String
    package var label: String
    package var keyPrefix: String
    package var isQueryable: Bool
    package var isCustom: Bool

    init?(_ value: Value) {
        guard let name = value.text("name") else { return nil }
        self.name = name
        label = value.text("label") ?? name
        keyPrefix = value.text("keyPrefix") ?? ""
        isQueryable = value.flag("queryable")
        isCustom = value.flag("custom")
    }
}
