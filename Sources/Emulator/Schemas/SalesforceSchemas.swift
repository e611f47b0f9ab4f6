/// The event types that the emulated org knows.
///
/// Field names, order, types and docs are those of real orgs for the standard part; custom fields come last.
package enum SalesforceSchemas {
    package static let all: [EmulatedSchema] = [account, opportunity, productionOrder, orderReady]

    package static let account = EmulatedSchema(
        kind: .change, name: "AccountChangeEvent", entityName: "Account", keyPrefix: "001",
        fields: [
            .init("Name", .stringOrRecord(switchableName), "Data:Switchable_PersonName"),
            picklist("Type"),
            foreignKey("RecordTypeId"),
            foreignKey("ParentId"),
            .init("BillingAddress", .record(address), "Data:Address"),
            .init("ShippingAddress", .record(address), "Data:Address"),
            .init("Phone", .string, "Data:Phone"),
            .init("Fax", .string, "Data:Phone"),
            text("AccountNumber"),
            .init("Website", .string, "Data:Url"),
            text("Sic"),
            picklist("Industry"),
            .init("AnnualRevenue", .double, "Data:Currency"),
            .init("NumberOfEmployees", .int, "Data:Integer"),
            picklist("Ownership"),
            text("TickerSymbol"),
            .init("Description", .string, "Data:StringPlusClob"),
            picklist("Rating"),
            text("Site"),
            foreignKey("OwnerId"),
        ] + audit + [
            text("Jigsaw"),
            .init("JigsawCompanyId", .string, "ExternalForeignKey:ExternalId"),
            .init("CleanStatus", .string, "Data:StaticEnum"),
            picklist("AccountSource"),
            text("DunsNumber"),
            text("Tradestyle"),
            text("NaicsCode"),
            text("NaicsDesc"),
            text("YearStarted"),
            text("SicDesc"),
            foreignKey("DandbCompanyId"),
            foreignKey("OperatingHoursId"),
            custom("Customer_Priority__c", .string, "DynamicEnum", 1),
            custom("Amount_Owed__c", .double, "Currency", 2),
            custom("Is_Strategic__c", .boolean, "Boolean", 3),
            custom("Last_Audit__c", .long, "DateOnly", 4),
        ])

    package static let opportunity = EmulatedSchema(
        kind: .change, name: "OpportunityChangeEvent", entityName: "Opportunity", keyPrefix: "006",
        fields: [
            foreignKey("AccountId"),
            foreignKey("RecordTypeId"),
            .init("IsPrivate", .boolean, "Data:Boolean"),
            text("Name"),
            .init("Description", .string, "Data:StringPlusClob"),
            picklist("StageName"),
            .init("Amount", .double, "Data:Currency"),
            .init("Probability", .double, "Data:Percent"),
            .init("ExpectedRevenue", .double, "Data:Currency"),
            .init("TotalOpportunityQuantity", .double, "Data:Double"),
            .init("CloseDate", .long, "Data:DateOnly"),
            picklist("Type"),
            text("NextStep"),
            picklist("LeadSource"),
            .init("ForecastCategoryName", .string, "Data:DynamicEnum"),
            foreignKey("CampaignId"),
            foreignKey("Pricebook2Id"),
            foreignKey("OwnerId"),
        ] + audit + [
            .init("LastStageChangeDate", .long, "Data:DateTime"),
            foreignKey("ContactId"),
            custom("Competitors__c", .string, "MultiEnum", 11),
        ])

    package static let productionOrder = EmulatedSchema(
        kind: .change, name: "sfy24__ProductionOrder__ChangeEvent", entityName: "sfy24__ProductionOrder__c",
        keyPrefix: "a0B",
        fields: [foreignKey("OwnerId"), text("Name")] + audit + [
            custom("sfy24__Status__c", .string, "DynamicEnum", 21),
            custom("sfy24__Quantity__c", .double, "Double", 22),
            custom("sfy24__Quantity_Done__c", .double, "Double", 23),
            custom("sfy24__Planned_Start__c", .long, "DateTime", 24),
            custom("sfy24__Planned_End__c", .long, "DateTime", 25),
            custom("sfy24__Due_Date__c", .long, "DateOnly", 26),
            custom("sfy24__Shift_Start__c", .long, "TimeOnly", 27),
            .init("sfy24__Account__c", .string, "ForeignKey:EntityId:\(fieldID(28))"),
            custom("sfy24__Priority__c", .double, "Double", 29),
            custom("sfy24__Rush__c", .boolean, "Boolean", 30),
            custom("sfy24__Notes__c", .string, "StringPlusClob", 31),
            custom("sfy24__Site__c", .record(location), "Location", 32),
        ])

    package static let orderReady = EmulatedSchema(
        kind: .platform, name: "Order_Ready__e", entityName: "Order_Ready__e",
        fields: [
            .init("CreatedDate", .long, "CreatedDate:DateTime", isNullable: false),
            .init("CreatedById", .string, "CreatedBy:EntityId", isNullable: false),
            custom("Order_Number__c", .string, "Text", 41),
            custom("Production_Order_Id__c", .string, "Text", 42),
            custom("Quantity__c", .double, "Double", 43),
            custom("Ready_At__c", .long, "DateTime", 44),
            custom("Rush__c", .boolean, "Boolean", 45),
        ])

    static let address = EmulatedSchema.Compound(
        name: "Address",
        fields: [
            .init(name: "Street", type: .string), .init(name: "City", type: .string),
            .init(name: "State", type: .string), .init(name: "PostalCode", type: .string),
            .init(name: "Country", type: .string), .init(name: "StateCode", type: .string),
            .init(name: "CountryCode", type: .string), .init(name: "Latitude", type: .double),
            .init(name: "Longitude", type: .double), .init(name: "GeocodeAccuracy", type: .string),
        ])

    static let location = EmulatedSchema.Compound(
        name: "Location",
        fields: [.init(name: "Latitude", type: .double), .init(name: "Longitude", type: .double)])

    static let switchableName = EmulatedSchema.Compound(
        name: "Switchable_PersonName",
        fields: [
            .init(name: "Salutation", type: .string), .init(name: "FirstName", type: .string),
            .init(name: "LastName", type: .string),
        ])
}

extension SalesforceSchemas {
    private static let audit: [EmulatedSchema.Field] = [
        .init("CreatedDate", .long, "CreatedDate:DateTime"),
        foreignKey("CreatedById"),
        .init("LastModifiedDate", .long, "Data:DateTime"),
        foreignKey("LastModifiedById"),
    ]

    private static func text(_ name: String) -> EmulatedSchema.Field { .init(name, .string, "Data:Text") }

    private static func picklist(_ name: String) -> EmulatedSchema.Field { .init(name, .string, "Data:DynamicEnum") }

    private static func foreignKey(_ name: String) -> EmulatedSchema.Field {
        .init(name, .string, "ForeignKey:EntityId")
    }

    private static func custom(
        _ name: String, _ type: EmulatedSchema.FieldType, _ salesforceType: String, _ number: Int
    ) -> EmulatedSchema.Field {
        .init(name, type, "Data:\(salesforceType):\(fieldID(number))")
    }

    /// 15 characters; a field keeps its ID when it is renamed.
    private static func fieldID(_ number: Int) -> String { "00NDp00000" + String(10_000 + number) }
}
