import Curl
import Events

/// The flows of FlowMate's users, of which a rule's `fanOut` reaches those that are its user's and switched on.
enum FannedFlows {
    struct Flow {
        var id: String
        var name: String
        var isActive = true
        var owner: String
    }

    static let all = [
        Flow(id: "6762e154616e91cb8d8b1a01", name: "fa", owner: mine), Flow(id: "6762e154616e91cb8d8b1a02", name: "fb", owner: mine),
        Flow(id: "6762e154616e91cb8d8b1a03", name: "off", isActive: false, owner: mine),
        Flow(id: "6762e154616e91cb8d8b1a04", name: "other", owner: others),
    ]
    private static let mine = "6762e154616e91cb8d8b1b01"
    private static let others = "6762e154616e91cb8d8b1b02"

    /// As bodies and the truth name the deliveries of the rule `fan`.
    static let rules = all.filter { $0.isActive && $0.owner == mine }.map { "fan:\($0.name)" }

    static func rule(of id: String) -> String? { all.first { $0.id == id }.map { "fan:\($0.name)" } }

    // MARK: FlowMate's API

    /// - Parameter path: of a GET.
    static func answer(_ path: String) -> HTTPResponse {
        let place = path.prefix { $0 != "?" }
        if place == "/users" {
            return list([
                #"{"_id":"\#(mine)","username":"005000000000001AAA","status":"ACTIVE"}"#,
                #"{"_id":"\#(others)","username":"somebody","status":"ACTIVE"}"#,
            ])
        }
        let known = all + [Flow(id: SampleRules.flow, name: "f", owner: others)]
        guard place != "/flows" else { return list(known.map(json)) }
        guard let flow = known.first(where: { place.hasSuffix($0.id) }) else { return .json(#"{"error":"no such flow"}"#, status: 404) }
        return .json(#"{"data":\#(json(flow))}"#)
    }

    private static func list(_ documents: [String]) -> HTTPResponse {
        .json(
            #"{"data":[\#(documents.joined(separator: ","))],"meta":{"total":\#(documents.count),"totalPages":1,"#
                + #""perPage":100,"page":1}}"#)
    }

    private static func json(_ flow: Flow) -> String {
        #"{"id":"\#(flow.id)","name":"\#(flow.name)","status":"\#(flow.isActive ? "active" : "inactive")","#
            + #""updatedAt":"2026-01-01T00:00:00.000Z","owners":[{"id":"\#(flow.owner)","type":"user"}],"#
            + #""graph":{"nodes":[{"id":"step_1","fields":{"payload":{"inputParameters":{"k":"string"}}}}]}}"#
    }
}
