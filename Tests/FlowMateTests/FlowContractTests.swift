import Events
import Testing

@testable import FlowMate

@Suite struct FlowContractTests {
    private static let payload =
        #"{"inputParameters":{"id":"string","n":"number"},"outputParameters":{"ok":"boolean"}}"#
    private static let expected = FlowContract(
        inputs: [.init(name: "id", type: "string"), .init(name: "n", type: "number")],
        outputs: [.init(name: "ok", type: "boolean")])

    private func contract(_ flow: String) throws -> FlowContract? {
        FlowContract(flow: try JSONReader.parse(flow))
    }

    @Test(arguments: [
        #"{"payload":PAYLOAD}"#,
        #"{"graph":{"nodes":[{"id":"a","fields":{"payload":PAYLOAD}}]}}"#,
        #"{"graph":{"nodes":[{"id":"a","nodeSettings":{"payload":PAYLOAD}}]}}"#,
        #"{"graph":{"nodes":[{"id":"b"},{"id":"a"}],"edges":[{"source":"a","target":"b"}]},"x":[{"deep":[PAYLOAD]}]}"#,
    ])
    func `a contract is found in each of the places`(_ flow: String) throws {
        #expect(try contract(flow.replacing("PAYLOAD", with: Self.payload)) == Self.expected)
        var text = JSONText()
        text.string(Self.payload)
        let asText = flow.replacing("PAYLOAD", with: text.string)
        #expect(try contract(asText) == Self.expected, "also as JSON inside a text")
    }

    @Test func `the top comes before the first step, and the first step before any other`() throws {
        func one(_ name: String) -> String { #"{"inputParameters":{"\#(name)":"string"}}"# }
        let nodes = #"""
            "graph":{"nodes":[{"id":"late","fields":{"payload":\#(one("late"))}},{"id":"first","fields":{"payload":
            \#(one("first"))}}],"edges":[{"source":"first","target":"late"}]}
            """#
        #expect(try contract("{\(nodes),\"payload\":\(one("top"))}")?.inputs.map(\.name) == ["top"])
        #expect(try contract("{\(nodes)}")?.inputs.map(\.name) == ["first"])
    }

    @Test(arguments: [
        "{}", #"{"payload":"not JSON"}"#, #"{"payload":{"inputParameters":7}}"#, #"{"graph":{"nodes":[]}}"#, "[]",
    ])
    func `a flow that says nothing has no contract`(_ flow: String) throws { #expect(try contract(flow) == nil) }

    @Test func `an empty contract is one`() throws {
        #expect(try contract(#"{"payload":{"inputParameters":{}}}"#) == FlowContract(inputs: []))
    }

    @Test func `the search in a deep document ends`() throws {
        let deep = String(repeating: #"{"a":"#, count: 400) + "1" + String(repeating: "}", count: 400)
        #expect(try contract(deep) == nil)
    }

    @Test(arguments: [
        (#"[{"id":"a"}]"#, "[]", "a"), (#"[{"id":"a"},{"id":"b"}]"#, "[]", nil),
        (#"[{"id":"a"},{"id":"b"}]"#, #"[{"source":"b","target":"a"}]"#, "b"),
        (#"[{"id":"a"},{"id":"b"}]"#, #"[{"source":"b","target":"a"},{"source":"a","target":"b"}]"#, nil),
    ])
    func `the first step is the one that no edge leads to`(_ nodes: String, _ edges: String, _ first: String?) throws {
        let flow = try JSONReader.parse(#"{"graph":{"nodes":\#(nodes),"edges":\#(edges)}}"#)
        #expect(FlowGraph.firstNode(of: flow)?.documentID == first)
    }

    @Test func `changes name the parameter`() {
        let new = FlowContract(inputs: [.init(name: "id", type: "number"), .init(name: "new", type: "string")])
        #expect(
            new.changes(since: Self.expected).map(\.description) == [
                "'id' is now number, was string", "'new' (string) is new", "'n' is gone",
            ])
        #expect(new.changes(since: Self.expected).map(\.isBreaking) == [true, true, false])
        #expect(new.changes(since: new).isEmpty)
    }
}
