import Events

extension EmulatorFeed {
    private static let companies = [
        "Acme Pumps", "Nordwind Valves", "Bergmann Tools", "Contoso Bikes", "Halden Paper", "Müller Feinguss",
        "Osaka Optics", "Rio Verde Foods",
    ]
    private static let cities: [(city: String, country: String, code: String, latitude: Double, longitude: Double)] = [
        ("Hamburg", "Germany", "DE", 53.5511, 9.9937), ("Lyon", "France", "FR", 45.764, 4.8357),
        ("Göteborg", "Sweden", "SE", 57.7089, 11.9746), ("Denver", "United States", "US", 39.7392, -104.9903),
    ]
    private static let industries = ["Manufacturing", "Energy", "Food & Beverage", "Electronics"]

    mutating func createAccount() -> EmulatedChange {
        let account = Account(
            id: newID(SalesforceSchemas.account), name: random.pick(Self.companies) + " \(number(1...99))")
        accounts.append(account)
        if accounts.count > Self.maximumRecords { accounts.removeFirst() }
        let city = random.pick(Self.cities)
        let billing: Fields = [
            "Street": .string("\(number(1...200)) Market Street"), "City": .string(city.city),
            "PostalCode": .string(String(number(10_000...99_999))), "Country": .string(city.country),
            "CountryCode": .string(city.code),
        ]
        return EmulatedChange(
            entity: "Account", change: .create, recordIDs: [account.id],
            fields: [
                "Name": .string(account.name), "Type": .string("Customer - Direct"),
                "BillingAddress": .record(billing),
                "Phone": .string("+49 40 \(number(100_000...999_999))"),
                "Website": .string("https://example.com/\(account.id.suffix(5))"),
                "Industry": .string(random.pick(Self.industries)),
                "AnnualRevenue": .double(Double(number(10...900)) * 10_000),
                "NumberOfEmployees": .int(Int64(number(5...4_000))), "Rating": .string("Warm"),
                "OwnerId": .string(EmulatedOrg.userID), "Is_Strategic__c": .bool(random.oneIn(4)),
            ])
    }

    mutating func editAccount() -> EmulatedChange {
        let account = random.pick(accounts)
        let fields: Fields =
            switch number(0...5) {
            case 0: ["Phone": .string("+49 40 \(number(100_000...999_999))")]
            case 1: ["Phone": .null]
            case 2: ["Rating": .string(random.pick(["Hot", "Warm", "Cold"])), "Is_Strategic__c": .bool(true)]
            case 3: ["AnnualRevenue": .double(Double(number(10...900)) * 12_345.5)]
            case 4: ["Amount_Owed__c": .double(Double(number(0...99_999)) / 100), "Rating": .null]
            default: ["NumberOfEmployees": .int(Int64(number(5...4_000)))]
            }
        return EmulatedChange(entity: "Account", recordIDs: [account.id], fields: fields)
    }

    /// Only components of a compound field: the header has nested bitmaps and, but for the date, no top-level one.
    mutating func moveAddress() -> EmulatedChange {
        let city = random.pick(Self.cities)
        return EmulatedChange(
            entity: "Account", recordIDs: [random.pick(accounts).id],
            fields: [
                "ShippingAddress": .record([
                    "Street": .string("\(number(1...200)) Harbour Road"), "City": .string(city.city),
                    "Latitude": .double(city.latitude), "Longitude": .double(city.longitude), "State": .null,
                ])
            ])
    }

    /// A merged event: the same change of several records in one transaction.
    mutating func reassignAccounts() -> EmulatedChange {
        let ids = accounts.shuffled(using: &random).prefix(number(2...4)).map(\.id)
        return EmulatedChange(
            entity: "Account", recordIDs: ids, fields: ["OwnerId": .string(EmulatedOrg.secondUserID)])
    }

    mutating func createOpportunity(now: Int64) -> EmulatedChange {
        let opportunity = Opportunity(
            id: newID(SalesforceSchemas.opportunity), stage: 0, amount: Double(number(5...500)) * 1000)
        opportunities.append(opportunity)
        if opportunities.count > Self.maximumRecords { opportunities.removeFirst() }
        return EmulatedChange(
            entity: "Opportunity", change: .create, recordIDs: [opportunity.id],
            fields: [
                "AccountId": .string(random.pick(accounts).id), "IsPrivate": .bool(false),
                "Name": .string(name("Deal", digits: 4)), "StageName": .string(Self.stages[0]),
                "Amount": .double(opportunity.amount), "Probability": .double(10),
                "CloseDate": .int(Self.midnight(now) + Int64(number(10...120)) * 86_400_000),
                "LeadSource": .string("Web"), "ForecastCategoryName": .string("Pipeline"),
                "OwnerId": .string(EmulatedOrg.userID),
            ])
    }

    mutating func advanceOpportunity(now: Int64) -> EmulatedChange {
        let index = number(0...opportunities.count - 1)
        var opportunity = opportunities[index]
        guard opportunity.stage + 1 < Self.stages.count, !random.oneIn(4) else {
            opportunity.amount = Double(number(5...500)) * 1000.25
            opportunities[index] = opportunity
            return EmulatedChange(
                entity: "Opportunity", recordIDs: [opportunity.id],
                fields: ["Amount": .double(opportunity.amount), "NextStep": .null])
        }
        opportunity.stage += 1
        opportunities[index] = opportunity
        return EmulatedChange(
            entity: "Opportunity", recordIDs: [opportunity.id],
            fields: [
                "StageName": .string(Self.stages[opportunity.stage]),
                "Probability": .double(opportunity.stage == 4 ? 100 : Double(10 + 20 * opportunity.stage)),
                "LastStageChangeDate": .int(now),
            ])
    }

    static func midnight(_ now: Int64) -> Int64 { now - now % 86_400_000 }
}
