import Events

extension EmulatorFeed {
    mutating func createOrder(now: Int64) -> EmulatedChange {
        let id = newID(SalesforceSchemas.productionOrder)
        let order = ProductionOrder(
            id: id, name: name("PO", digits: 6), status: 0, quantity: Double(number(1...40) * 5), done: 0)
        orders.append(order)
        if orders.count > Self.maximumRecords { orders.removeFirst() }
        let start = now + Int64(number(1...72)) * 3_600_000
        return EmulatedChange(
            entity: "sfy24__ProductionOrder__c", change: .create, recordIDs: [id],
            fields: [
                "OwnerId": .string(EmulatedOrg.userID), "Name": .string(order.name),
                "sfy24__Status__c": .string(Self.statuses[0]), "sfy24__Quantity__c": .double(order.quantity),
                "sfy24__Quantity_Done__c": .double(0), "sfy24__Planned_Start__c": .int(start),
                "sfy24__Planned_End__c": .int(start + Int64(number(2...16)) * 3_600_000),
                "sfy24__Due_Date__c": .int(Self.midnight(start) + 5 * 86_400_000),
                "sfy24__Shift_Start__c": .int(6 * 3_600_000),
                "sfy24__Account__c": .string(random.pick(accounts).id),
                "sfy24__Priority__c": .double(Double(number(1...5))), "sfy24__Rush__c": .bool(random.oneIn(5)),
                "sfy24__Site__c": .record(["Latitude": .double(53.5511), "Longitude": .double(9.9937)]),
            ])
    }

    /// The next status, or some progress within it. A finished order also publishes `Order_Ready__e`.
    mutating func advanceOrder(now: Int64) -> [EmulatedChange] {
        let index = number(0...orders.count - 1)
        var order = orders[index]
        defer { orders[index] = order }
        switch order.status {
        case 2 where order.done + 1 < order.quantity && !random.oneIn(3):
            order.done = min(order.quantity - 1, order.done + Double(number(1...20)))
            return [change(of: order, ["sfy24__Quantity_Done__c": .double(order.done)])]
        case 0, 1:
            order.status += 1
            var fields: Fields = ["sfy24__Status__c": .string(Self.statuses[order.status])]
            if order.status == 2 { fields["sfy24__Planned_Start__c"] = .int(now) }
            return [change(of: order, fields)]
        case 2:
            order.status = 3
            order.done = order.quantity
            let finished = change(
                of: order,
                [
                    "sfy24__Status__c": .string(Self.statuses[3]), "sfy24__Quantity_Done__c": .double(order.done),
                    "sfy24__Planned_End__c": .int(now),
                ])
            return [finished, ready(order, now: now)]
        default:
            return [change(of: order, ["sfy24__Notes__c": random.oneIn(3) ? .null : .string(note())])]
        }
    }

    mutating func deleteOrder() -> EmulatedChange {
        let order = orders.remove(at: number(0...orders.count - 1))
        return EmulatedChange(entity: "sfy24__ProductionOrder__c", change: .delete, recordIDs: [order.id])
    }

    /// Says that a record changed, and nothing else.
    mutating func gap() -> EmulatedChange {
        EmulatedChange(
            entity: "sfy24__ProductionOrder__c", change: .gapUpdate, recordIDs: [random.pick(orders).id])
    }

    private func change(of order: ProductionOrder, _ fields: Fields) -> EmulatedChange {
        EmulatedChange(entity: "sfy24__ProductionOrder__c", recordIDs: [order.id], fields: fields)
    }

    private mutating func ready(_ order: ProductionOrder, now: Int64) -> EmulatedChange {
        EmulatedChange(
            entity: "Order_Ready__e",
            fields: [
                "Order_Number__c": .string(order.name), "Production_Order_Id__c": .string(order.id),
                "Quantity__c": .double(order.quantity), "Ready_At__c": .int(now), "Rush__c": .bool(random.oneIn(5)),
            ])
    }

    private mutating func note() -> String {
        random.pick(["Checked by QA.", "Second shift takes over.", "Übergabe an Versand.", "Packed, 3 pallets."])
    }
}
