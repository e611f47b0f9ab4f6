import Events
import Salesforce
import SalesforceREST
import Synchronization
import Testing
import TestSupport

@testable import Relay

@Suite struct SalesforceSinkTests {
    private final class Recorder: SalesforceWriter {
        private let state = Mutex<[[SalesforceWrite]]>([])
        var calls: [[SalesforceWrite]] { state.withLock { $0 } }

        func save(_ kind: SalesforceWrite.Kind, _ writes: [SalesforceWrite]) async -> [AttemptOutcome] {
            state.withLock { $0.append(writes) }
            return writes.map { .delivered(AttemptNote(reason: $0.key)) }
        }
    }

    private func delivery(_ number: Int, _ method: String, _ path: String, _ body: String = #"{"A__c":1}"#) -> Delivery {
        var delivery = Make.delivery(number, lane: "\(number)", target: .webhook(method: method, path: path, headers: []))
        delivery.body = Array(body.utf8)
        return delivery
    }

    private func attempt(_ deliveries: [Delivery], _ writer: Recorder) async -> [AttemptOutcome] {
        let sink = SalesforceSink(org: "prod", orgs: SalesforceOrgs { _ in writer }, time: .system)
        return await withTaskGroup(of: (Int, AttemptOutcome).self) { group in
            for (place, delivery) in deliveries.enumerated() {
                group.addTask { (place, await sink.attempt(delivery, number: 1)) }
            }
            var outcomes: [Int: AttemptOutcome] = [:]
            for await (place, outcome) in group { outcomes[place] = outcome }
            return deliveries.indices.compactMap { outcomes[$0] }
        }
    }

    @Test func `what a delivery says becomes a write`() throws {
        let update = try SalesforceWrite.read(delivery(1, "PATCH", "/sobjects/Account/001000000000001AAA")).get()
        #expect(update.kind == .update(object: "Account") && update.key == "001000000000001AAA")
        #expect(update.fields["A__c"] == .int(1))
        let upsert = try SalesforceWrite.read(delivery(1, "PATCH", "/sobjects/Account/Key__c/A%2F1%202")).get()
        #expect(upsert.kind == .upsert(object: "Account", field: "Key__c") && upsert.key == "A/1 2")
        #expect(try SalesforceWrite.read(delivery(1, "POST", "/sobjects/Account")).get().kind == .create(object: "Account"))
        #expect(try SalesforceWrite.read(delivery(1, "POST", "/sobjects/Done__e")).get().kind == .publish(event: "Done__e"))
    }

    @Test(arguments: ["/sobjects/Account/", "/sobjects", "/other/Account/001", "/sobjects/Account/K__c/"])
    func `a record without a name is given up`(path: String) async {
        let outcomes = await attempt([delivery(1, "PATCH", path)], Recorder())
        guard case .park? = outcomes.first else { return #expect(Bool(false), "\(outcomes)") }
    }

    @Test func `each gets the outcome of its own record, and one record is written once in a call`() async {
        let writer = Recorder()
        let ids = (0..<450).map { "001\($0 % 400)" }
        let outcomes = await attempt(ids.enumerated().map { delivery($0, "PATCH", "/sobjects/Account/\($1)") }, writer)
        #expect(outcomes.map(\.note.reason) == ids)
        for call in writer.calls {
            #expect(call.count <= SalesforceSink.maximumBatch && Set(call.map(\.key)).count == call.count)
        }
        #expect(writer.calls.map(\.count).reduce(0, +) == 450)
    }

    @Test func `kinds do not share a call`() async {
        let writer = Recorder()
        _ = await attempt(
            [
                delivery(1, "PATCH", "/sobjects/Account/001"), delivery(2, "PATCH", "/sobjects/Contact/003"),
                delivery(3, "POST", "/sobjects/Account"),
            ], writer)
        #expect(writer.calls.count == 3)
    }

    @Test func `an org that sluice yaml does not have, or knows by another client, is a finding`() {
        let orgs = SalesforceOrgs(clients: ["prod": "Sluice"])
        #expect(orgs.problem(org: "prod", client: "Sluice") == nil)
        #expect(orgs.problem(org: "test", client: "Sluice")?.key == "org")
        #expect(orgs.problem(org: "prod", client: "Other")?.key == "client")
    }

    @Test func `an event's ID is its delivery's, and each replay has its own`() {
        let live = "sl_" + String(repeating: "0123456789abcdef", count: 2)
        #expect(OrgWriter.eventID(live) == live)
        let replays = ["rp00000001", "rp00000002"].map { OrgWriter.eventID(ReplayedDelivery.id(live, of: $0)) }
        #expect(Set(replays + [live]).count == 3)
        #expect(replays.allSatisfy { $0.utf8.count <= 36 })
    }

    @Test func `failures are told by what mends them`() {
        func outcome(_ kind: RESTError.Kind) -> AttemptOutcome {
            OrgWriter.outcome(RESTError(kind, action: "update", message: "no"), isCreation: true)
        }
        guard case .hold(_, .destination, _) = outcome(.limitReached), case .hold = outcome(.signIn),
            case .retry = outcome(.rowLocked), case .retry = outcome(.serverBusy), case .park = outcome(.rejected)
        else { return #expect(Bool(false)) }
    }
}
