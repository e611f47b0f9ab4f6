import Events
import Rules
import Testing

@Suite struct ResentDeliveryTests {
    private static let binary = DeliveryTarget.Header(name: "ce-id", value: "sl_aaaaaaaaaaaaaaaa")
    private static let structured = DeliveryTarget.Header(
        name: "Content-Type", value: "application/cloudevents+json; charset=utf-8")

    private func sent(_ id: String, _ headers: [DeliveryTarget.Header], _ body: String) throws -> Delivery {
        let origin = DeliveryOrigin(
            orgID: "00D", topic: "/data/ChangeEvents", replayID: try #require(ReplayID([1])), entity: "Account",
            change: "update", recordID: "001", time: 0)
        return Delivery(
            id: id, rule: "r", destination: "hook", lane: "001",
            target: .webhook(method: "POST", path: "", headers: headers), body: Array(body.utf8), origin: origin,
            retry: RetryLimits())
    }

    private func text(_ delivery: Delivery) -> String { String(decoding: delivery.body, as: UTF8.self) }

    @Test func `what is sent again has an ID of its own that tells the replay and the live delivery`() throws {
        let again = ReplayedDelivery.resent(try sent("sl_aaaaaaaaaaaaaaaa", [], "{}"), by: "rp00000001")
        #expect(again.id == "sl_aaaaaaaaaaaaaaaa_rp00000001" && text(again) == "{}")
        #expect(ReplayedDelivery.replay(ofDelivery: again.id) == "rp00000001")
        #expect(ReplayedDelivery.liveID(again.id) == "sl_aaaaaaaaaaaaaaaa")
        #expect(ReplayedDelivery.resent(again, by: "rp00000002").id == "sl_aaaaaaaaaaaaaaaa_rp00000002")
    }

    @Test func `a CloudEvent in binary mode says it in its headers`() throws {
        let old = DeliveryTarget.Header(name: "ce-sluicereplay", value: "rp00000000")
        let again = ReplayedDelivery.resent(
            try sent("sl_aaaaaaaaaaaaaaaa", [Self.binary, old], "{}"), by: "rp00000001")
        guard case .webhook(_, _, let headers) = again.target else { return #expect(Bool(false)) }
        #expect(headers.map(\.value) == [again.id, "rp00000001"] && headers.map(\.name) == ["ce-id", "ce-sluicereplay"])
    }

    @Test func `a structured CloudEvent says it in its body, and the rest stays as it was`() throws {
        let body = #"{"specversion":"1.0","id":"sl_aaaaaaaaaaaaaaaa","source":"/x","data":{"id":1.50}}"#
        let again = ReplayedDelivery.resent(try sent("sl_aaaaaaaaaaaaaaaa", [Self.structured], body), by: "rp00000001")
        #expect(
            text(again)
                == #"{"specversion":"1.0","id":"sl_aaaaaaaaaaaaaaaa_rp00000001","sluicereplay":"rp00000001","#
                + #""source":"/x","data":{"id":1.50}}"#)
        let third = ReplayedDelivery.resent(again, by: "rp00000002")
        #expect(
            text(third)
                == #"{"specversion":"1.0","id":"sl_aaaaaaaaaaaaaaaa_rp00000002","sluicereplay":"rp00000002","#
                + #""source":"/x","data":{"id":1.50}}"#)
    }
}
