import Events

/// `/query` and `/queryAll`.
extension RESTEndpoint {
    func query(_ text: String, includesDeleted: Bool) throws(Refusal) -> HTTPAnswer {
        let asked = try Self.parsed(text)
        switch asked.entity {
        // By these, tools find out whether the user may see all records.
        case "PermissionSet": return Self.records(org.forbidden.isEmpty ? [["Id": .string("0PSDp0000000001AAA")]] : [])
        case "ObjectPermissions":
            let visible = SalesforceSchemas.all.filter { $0.kind == .change && !org.forbidden.contains($0.topic) }
            return Self.records(visible.map { ["SobjectType": .string($0.entityName)] })
        case "Organization": return Self.records([["Id": .string(org.access.organizationID)]])
        default: break
        }
        return Self.records(try matches(asked, includesDeleted: includesDeleted), asked)
    }

    /// What a query finds, and the fields that it selects, both in order.
    typealias Matches = (rows: [RecordTable.Record], columns: [RESTField])

    /// Of an object's records.
    func matches(_ asked: SOQLQuery, includesDeleted: Bool) throws(Refusal) -> Matches {
        let schema = try Self.schema(asked.entity)
        let rows = org.records.all(schema.entityName).filter { includesDeleted || !$0.isDeleted }
        return try Self.matches(try resolved(asked), rows, RESTField.all(schema))
    }

    private func resolved(_ asked: SOQLQuery) throws(Refusal) -> SOQLQuery {
        var asked = asked
        do throws(SOQLQuery.Problem) {
            asked.condition = try asked.condition?.resolved(inner)
        } catch {
            throw Refusal(status: 400, code: error.code, message: error.message)
        }
        return asked
    }

    /// The one field that an inner query selects, of what it finds.
    private func inner(_ asked: SOQLQuery) throws(SOQLQuery.Problem) -> [Value] {
        guard let schema = try? Self.schema(asked.entity), asked.fields.count == 1 else {
            throw SOQLQuery.Problem(message: "an inner query selects one field of an object")
        }
        let fields = RESTField.all(schema)
        func field(_ name: String) -> RESTField? { fields.first { $0.name.lowercased() == name.lowercased() } }
        guard let chosen = field(asked.fields[0]) else { throw .unknown(asked.fields[0]) }
        let condition = try asked.condition?.resolved(inner)
        var values: [Value] = []
        for row in org.records.all(schema.entityName) where !row.isDeleted {
            if let condition, try !condition.holds(row, field) { continue }
            values.append(chosen.value(of: row))
        }
        return values
    }

    static func parsed(_ text: String) throws(Refusal) -> SOQLQuery {
        do throws(SOQLQuery.Problem) {
            return try SOQLQuery(text)
        } catch {
            throw Refusal(status: 400, code: error.code, message: error.message)
        }
    }

    static func matches(
        _ asked: SOQLQuery, _ rows: [RecordTable.Record], _ fields: [RESTField]
    ) throws(Refusal) -> Matches {
        let names = Dictionary(fields.map { ($0.name.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
        func field(_ name: String) -> RESTField? { names[name.lowercased()] }
        do throws(SOQLQuery.Problem) {
            var rows = rows
            if let condition = asked.condition {
                var kept: [RecordTable.Record] = []
                for row in rows where try condition.holds(row, field) { kept.append(row) }
                rows = kept
            }
            if let order = asked.order {
                guard let by = field(order.field) else { throw .unknown(order.field) }
                rows.sort { one, other in
                    let (one, other) = order.isDescending ? (other, one) : (one, other)
                    return (SOQLQuery.Condition.order(by.value(of: one), by.value(of: other)) ?? 0) < 0
                }
            }
            guard !asked.counts else { return (rows, []) }
            return (Array(rows.prefix(asked.limit ?? .max)), try selected(asked.fields, fields, field))
        } catch {
            throw Refusal(status: 400, code: error.code, message: error.message)
        }
    }

    static func records(_ found: Matches, _ asked: SOQLQuery) -> HTTPAnswer {
        guard !asked.counts else { return counted(asked, found.rows.count) }
        return records(found.rows.map { shown($0, found.columns, asked.entity) })
    }

    /// `count()` stands in `totalSize`, `count(Id)` is a value.
    private static func counted(_ asked: SOQLQuery, _ count: Int) -> HTTPAnswer {
        guard asked.fields[0].hasSuffix("()") else { return records([["expr0": .int(Int64(count))]]) }
        return .json(200, .record(["totalSize": .int(Int64(count)), "done": .bool(true), "records": .list([])]))
    }

    private static func selected(
        _ asked: [String], _ fields: [RESTField], _ field: (String) -> RESTField?
    ) throws(SOQLQuery.Problem) -> [RESTField] {
        var chosen: [RESTField] = []
        for name in asked {
            if name.uppercased().hasPrefix("FIELDS(") {
                chosen += fields
            } else if let field = field(name) {
                chosen.append(field)
            } else {
                throw .unknown(name)
            }
        }
        return chosen
    }

    private static func records(_ found: [Fields]) -> HTTPAnswer {
        .json(
            200,
            .record([
                "totalSize": .int(Int64(found.count)), "done": .bool(true), "records": .list(found.map(Value.record)),
            ]))
    }

    static func shown(_ record: RecordTable.Record, _ fields: [RESTField], _ entity: String) -> Fields {
        let attributes: Fields = [
            "type": .string(entity), "url": .string("/services/data/v62.0/sobjects/\(entity)/\(record.id)"),
        ]
        return Fields(
            [Fields.Field(name: "attributes", value: .record(attributes))]
                + fields.map { Fields.Field(name: $0.name, value: $0.shown(record)) })
    }

    /// - Throws: for what is no object; platform events have no records.
    static func schema(_ entity: String) throws(Refusal) -> EmulatedSchema {
        let known = SalesforceSchemas.all.first {
            $0.entityName.lowercased() == entity.lowercased() && $0.kind == .change
        }
        if let known { return known }
        throw Refusal(status: 400, code: "INVALID_TYPE", message: "sObject type '\(entity)' is not supported.")
    }
}
