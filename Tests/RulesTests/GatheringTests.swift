import Events
import Testing

@testable import Rules

/// `coalesce`, shadow rules, CloudEvents, replays.
@Suite struct GatheringTests {
    private func text(_ delivery: Delivery) -> String { String(decoding: delivery.body, as: UTF8.self) }

    private func closed(_ set: RuleSet, _ events: [Event]) throws -> Delivery {
        let claims = events.flatMap { set.route($0).deliveries }
        let parts = set.close(claims, now: Fixture.time)
        guard parts.count == 1, case .delivery(let delivery) = parts[0].batch else {
            throw Unclosed()
        }
        return delivery
    }

    private struct Unclosed: Error {}

    private func event(_ replay: UInt8, _ type: ChangeType, id: String, _ fields: Fields, changed: [String] = [],
        nulled: [String] = []
    ) -> Event {
        var event = Fixture.change(type, id: id, changed: changed, nulled: nulled, fields)
        event.replayID = ReplayID([replay])!
        event.time += Int64(replay) * 1000
        return event
    }

    private let batchRule = """
        - id: gather
          match: {entity: Account, change: [create, update]}
          to:
            destination: hook
            body:
              n: ${batch.count}
              ids: ${batch.recordIds}
              kinds: ${batch.changes}
              from: ${batch.firstCommit}
              until: ${batch.lastCommit}
              names: ${batch.events.map(e, e.record.?Name)}
            coalesce: {quiet: 5s, max: 1m, limit: 50, keep: records, transaction: true}
        """

    @Test func `gathers events into a batch and renders it when it closes`() throws {
        let set = try Fixture.ruleSet(batchRule)
        let claims = set.route(event(1, .create, id: "001000000000001AAA", ["Name": .string("a")])).deliveries
        guard case .batch(let claim) = claims.first?.target else { throw Unclosed() }
        #expect(
            claim
                == BatchClaim(
                    deliveryIndex: 0, key: "gather", isLatest: false, quietMilliseconds: 5000,
                    maximumMilliseconds: 60_000, limit: 50, transactionKey: "000f07d5"))
        let delivery = try closed(
            set,
            [
                event(1, .create, id: "001000000000001AAA", ["Name": .string("a")]),
                event(2, .update, id: "001000000000001AAA", ["Phone": .null], nulled: ["Phone"]),
                event(3, .update, id: "001000000000002AAA", ["Name": .string("b")], changed: ["Name"]),
            ])
        #expect(
            text(delivery)
                == #"{"n":3,"ids":["001000000000001AAA","001000000000002AAA"],"kinds":["create","update"],"#
                + #""from":"2026-11-22T03:00:31Z","until":"2026-11-22T03:00:33Z","names":["a","b"]}"#)
        #expect(delivery.target == .webhook(method: "POST", path: "", headers: []))
        #expect(delivery.id.hasPrefix("sl_") && !delivery.id.isEmpty)
    }

    @Test func `a batch has the same id for the same events only`() throws {
        let set = try Fixture.ruleSet(batchRule)
        let first = event(1, .create, id: "001000000000001AAA", [:])
        let second = event(2, .create, id: "001000000000002AAA", [:])
        #expect(try closed(set, [first, second]).id == closed(set, [first, second]).id)
        #expect(try closed(set, [first, second]).id != closed(set, [first]).id)
    }

    /// Otherwise a receiver takes it for a live one: the sinks read the replay from the ID.
    @Test func `what is gathered from a replay says so in its id`() throws {
        let set = try Fixture.ruleSet(batchRule)
        var first = event(1, .create, id: "001000000000001AAA", [:])
        var second = event(2, .create, id: "001000000000002AAA", [:])
        #expect(ReplayedDelivery.replay(ofDelivery: try closed(set, [first, second]).id) == nil)
        first.replay = "rp0123abcd"
        second.replay = "rp0123abcd"
        #expect(ReplayedDelivery.replay(ofDelivery: try closed(set, [first, second]).id) == "rp0123abcd")
    }

    private let latestRule = """
        - id: latest
          match: {entity: Account, change: [create, update, delete]}
          to:
            destination: hook
            body: {c: "${event.change}", r: "${record}", changed: "${header.changedFields}", nulled: "${header.nulledFields}"}
            coalesce: {mode: latest}
        """

    @Test func `merges the events of a record, the newest value winning`() throws {
        let set = try Fixture.ruleSet(latestRule)
        let id = "001000000000001AAA"
        let delivery = try closed(
            set,
            [
                event(1, .update, id: id, ["Name": .string("a"), "Phone": .null], changed: ["Name"], nulled: ["Phone"]),
                event(2, .update, id: id, ["Name": .null, "Fax": .string("1")], changed: ["Fax"], nulled: ["Name"]),
                event(3, .update, id: id, ["Phone": .string("2")], changed: ["Phone"]),
            ])
        #expect(
            text(delivery)
                == #"{"c":"update","r":{"Name":null,"Phone":"2","Fax":"1"},"#
                + #""changed":["Name","Fax","Phone"],"nulled":["Name"]}"#)
        #expect(delivery.lane == id)
    }

    @Test func `a value that a later change may have replaced is not passed off as the newest`() throws {
        let set = try Fixture.ruleSet(latestRule)
        let id = "001000000000001AAA"
        let address: Fields = ["City": .string("Ulm"), "Street": .string("Am Markt")]
        let told = event(
            1, .update, id: id, ["Name": .string("a"), "Text__c": .string("old"), "BillingAddress": .record(address)],
            changed: ["Name", "Text__c", "BillingAddress.City", "BillingAddress.Street"])
        // A field that is withheld, one that comes as a diff, and a component.
        var withheld = Fixture.change(
            .update, id: id, changed: ["Name", "BillingAddress.City"], diff: ["Text__c"], [:])
        withheld.replayID = ReplayID([2])!
        let delivery = try closed(set, [told, withheld])
        #expect(text(delivery).hasPrefix(#"{"c":"update","r":{"BillingAddress":{"Street":"Am Markt"}},"#))
    }

    @Test func `keeps a create through updates, and lets a delete end everything`() throws {
        let set = try Fixture.ruleSet(latestRule)
        let id = "001000000000001AAA"
        let create = event(1, .create, id: id, ["Name": .string("a"), "N": .double(2), "T": .timestamp(1_500)])
        let update = event(2, .update, id: id, ["Name": .string("b")], changed: ["Name"])
        let merged = try closed(set, [create, update])
        #expect(text(merged).hasPrefix(#"{"c":"create","r":{"Name":"b","N":2,"T":"1970-01-01T00:00:01.5Z"}"#))
        let gone = try closed(set, [create, update, event(3, .delete, id: id, [:])])
        #expect(text(gone).hasPrefix(#"{"c":"delete","r":{}"#))
    }

    @Test func `says when no rule gathers such a delivery any more`() throws {
        let claims = try Fixture.ruleSet(latestRule).route(Fixture.change(.create)).deliveries
        let other = try Fixture.rule(match: "entity: Account, change: create")
        guard case .noRule? = other.close(claims, now: 0).first?.batch else { throw Unclosed() }
    }

    @Test func `a shadow rule renders and sends nothing`() throws {
        let set = try Fixture.rule(
            match: "entity: Account, change: create", body: #"{id: "${recordId}"}"#, more: "mode: shadow,")
        let result = set.route(Fixture.change(.create))
        #expect(result.deliveries.isEmpty && result.failures.isEmpty)
        #expect(result.shadows.map(text) == [#"{"id":"001000000000001AAA"}"#])
    }

    @Test func `wraps data as a structured CloudEvent`() throws {
        let set = try Fixture.ruleSet(
            """
            - id: ready
              match: {event: Order_Ready__e}
              to:
                destination: hook
                format: cloudevents
                cloudevent: {type: com.example.ready, subject: "${record.No}", extensions: {team: x, none: "${record.?Q}"}}
                data: {no: "${record.No}"}
            """)
        let delivery = try #require(set.route(Fixture.platform("Order_Ready__e", ["No": .string("SO 1")])).deliveries.first)
        #expect(
            text(delivery)
                == #"{"specversion":"1.0","id":"\#(delivery.id)","source":"/salesforce/00D000000000001EAA/event/Order_Ready__e","#
                + #""type":"com.example.ready","subject":"SO 1","time":"2026-11-22T03:00:30Z","sfentity":"Order_Ready__e","#
                + #""sfreplayid":"AAAAAAABAgM=","sfrule":"ready","partitionkey":"/event/Order_Ready__e","team":"x","#
                + #""datacontenttype":"application/json","data":{"no":"SO 1"}}"#)
        guard case .webhook(_, _, let headers) = delivery.target else { throw Unclosed() }
        #expect(headers.map(\.value) == ["application/cloudevents+json; charset=utf-8"])
    }

    @Test func `writes the attributes of a binary CloudEvent as headers`() throws {
        let set = try Fixture.ruleSet(
            """
            - id: mirror
              match: {entity: Account, change: create}
              to:
                destination: hook
                format: cloudevents-binary
                cloudevent: {subject: "Zoë %"}
                data: {id: "${recordId}"}
            """)
        let delivery = try #require(set.route(Fixture.change(.create)).deliveries.first)
        #expect(text(delivery) == #"{"id":"001000000000001AAA"}"#)
        guard case .webhook(_, _, let headers) = delivery.target else { throw Unclosed() }
        let byName = Dictionary(uniqueKeysWithValues: headers.map { ($0.name, $0.value) })
        #expect(byName["ce-id"] == delivery.id)
        #expect(byName["ce-type"] == "salesforce.change.Account.create")
        #expect(byName["ce-source"] == "/salesforce/00D000000000001EAA/data/ChangeEvents")
        #expect(byName["ce-subject"] == "Zo%C3%AB%20%25")
        #expect(byName["ce-sfchange"] == "create" && byName["ce-partitionkey"] == "001000000000001AAA")
    }

    @Test func `rules can tell a replayed event`() throws {
        let set = try Fixture.rule(match: "entity: Account, change: create", body: #"{again: "${event.replayed}"}"#)
        var event = Fixture.change(.create)
        event.replay = "r-1"
        #expect(try text(#require(set.route(event).deliveries.first)) == #"{"again":true}"#)
    }
}
