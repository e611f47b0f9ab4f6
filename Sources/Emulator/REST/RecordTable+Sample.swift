import Events

extension RecordTable {
    /// A few records that are there from the start, so that there is something to ask for.
    static func sample(now: Int64) -> RecordTable {
        var table = RecordTable()
        let stamp = CommitStamp(
            transactionKey: "", sequenceNumber: 1, timestamp: now - 86_400_000, number: 0, user: EmulatedOrg.userID,
            origin: "")
        for change in accounts + opportunities + orders(now) { table.apply(change, stamp) }
        return table
    }

    private static func id(_ schema: EmulatedSchema, _ number: UInt64) -> String {
        SalesforceID.make(prefix: schema.keyPrefix, number: number)
    }

    private static func create(_ schema: EmulatedSchema, _ number: UInt64, _ fields: Fields) -> EmulatedChange {
        EmulatedChange(
            entity: schema.entityName, change: .create, recordIDs: [id(schema, number)],
            fields: Fields(fields.fields + [.init(name: "OwnerId", value: .string(EmulatedOrg.userID))]))
    }

    private static var accounts: [EmulatedChange] {
        let named = [
            ("Acme Pumps", "A-100", "Hamburg", "DE"), ("Nordwind Valves", "A-101", "Lyon", "FR"),
            ("Halden Paper", "A-102", "Göteborg", "SE"),
        ]
        return named.enumerated().map { index, account in
            create(
                SalesforceSchemas.account, UInt64(index + 1),
                [
                    "Name": .string(account.0), "AccountNumber": .string(account.1),
                    "Industry": .string("Manufacturing"),
                    "AnnualRevenue": .double(Double(index + 1) * 1_250_000),
                    "NumberOfEmployees": .int(Int64(index + 1) * 120),
                    "BillingAddress": .record([
                        "Street": .string("\(index + 1) Market Street"), "City": .string(account.2),
                        "CountryCode": .string(account.3),
                    ]),
                ])
        }
    }

    private static var opportunities: [EmulatedChange] {
        (1...2).map { index in
            create(
                SalesforceSchemas.opportunity, UInt64(index),
                [
                    "Name": .string("Deal \(index)"), "StageName": .string("Prospecting"),
                    "Amount": .double(Double(index) * 40_000), "AccountId": .string(id(SalesforceSchemas.account, 1)),
                ])
        }
    }

    private static func orders(_ now: Int64) -> [EmulatedChange] {
        (1...3).map { index in
            create(
                SalesforceSchemas.productionOrder, UInt64(index),
                [
                    "Name": .string("PO-00010\(index)"), "sfy24__Status__c": .string("Planned"),
                    "sfy24__Quantity__c": .double(Double(index) * 50), "sfy24__Quantity_Done__c": .double(0),
                    "sfy24__Planned_Start__c": .int(now + Int64(index) * 3_600_000),
                    "sfy24__Account__c": .string(id(SalesforceSchemas.account, UInt64(index))),
                ])
        }
    }
}
