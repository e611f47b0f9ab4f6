import Curl
import Events
import TestSupport
import Testing

@testable import IntegratorIO

@Suite struct FlowChangeTests {
    @Test(arguments: [
        "/name", "/disabled", "/aliases", "/pageGenerators/0/schedule", "/routers/12/branches/3/name",
    ])
    func `documented fields can be patched`(_ path: String) {
        #expect(JSONPatch([.init(path: path, value: .null)]).unknownFlowField == nil)
    }

    @Test(arguments: ["/pageProcessors", "name", "", "/", "/pageGenerators/x/schedule", "/_integrationId", "/name/"])
    func `others cannot`(_ path: String) {
        #expect(JSONPatch([.init(path: path, value: .null)]).unknownFlowField == path)
    }

    private func difference(_ current: String, _ new: String) throws -> FlowReplacement {
        FlowReplacement(current: try JSONReader.parse(current), new: try JSONReader.parse(new))
    }

    @Test func `what a new definition leaves out is named, at every depth`() throws {
        let found = try difference(
            #"{"_id":"f","name":"a","schedule":"?","pageGenerators":[{"_exportId":"e","skipRetries":true},{}]}"#,
            #"{"name":"b","pageGenerators":[{"_exportId":"e"}],"new":1}"#)
        #expect(found.erased == ["schedule", "pageGenerators[0].skipRetries", "pageGenerators[1]"])
        #expect(found.changed == ["name"])
        #expect(found.added == ["new"])
    }

    @Test func `a definition as it was read changes nothing`() throws {
        let flow = #"{"_id":"f","name":"a","routers":[{"branches":[{"name":"x"}]}]}"#
        let found = try difference(flow, flow)
        #expect(found.erased.isEmpty && found.changed.isEmpty && found.added.isEmpty)
    }

    @Test func `a lost answer to a switch is looked up, not asked for again`() async throws {
        let lost = TransportError(kind: .reset, target: "https://h", reason: "reset", mayHaveBeenSent: true)
        func outcome(_ disabled: Bool) async -> (IntegratorFailure?, [String]) {
            let (client, http) = IntegratorPagingTests.client { request throws(TransportError) in
                if request.method == "PATCH" { throw lost }
                return HTTPResponse(status: 200, body: Array(#"{"_id":"f","disabled":\#(disabled)}"#.utf8))
            }
            do throws(IntegratorFailure) {
                try await client.setEnabled(true, flow: "f")
                return (nil, http.requests.map(\.method))
            } catch {
                return (error, http.requests.map(\.method))
            }
        }
        let done = await outcome(false)
        #expect(done.0 == nil && done.1 == ["PATCH", "GET"])
        #expect(await outcome(true).0?.kind == .unknown)
    }

    @Test func `steps are found in processors and in branches`() throws {
        let flow = try #require(
            IntegratorFlow(
                try JSONReader.parse(
                    #"{"_id":"f","routers":[{"branches":[{"pageProcessors":[{"_importId":"i"},{"_exportId":"l"}]}]}]}"#)
            ))
        #expect(flow.steps == [.importer("i"), .lookup("l")])
    }
}
