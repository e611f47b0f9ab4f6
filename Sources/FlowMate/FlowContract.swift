import Events

/// What a flow says it takes (`inputParameters`) and gives (`outputParameters`).
///
/// Where FlowMate keeps them is not documented, so they are looked for in the places that its data model leaves.
package struct FlowContract: Sendable, Hashable {
    package struct Parameter: Sendable, Hashable {
        package var name: String
        /// `string`, `number`, `boolean`; others may come.
        package var type: String

        package init(name: String, type: String) {
            self.name = name
            self.type = type
        }
    }

    /// In the order of the flow.
    package var inputs: [Parameter]
    package var outputs: [Parameter]

    package init(inputs: [Parameter], outputs: [Parameter] = []) {
        self.inputs = inputs
        self.outputs = outputs
    }

    package func input(_ name: String) -> Parameter? { inputs.first { $0.name == name } }

    /// Looks into a whole flow: `payload` at the top, the first step's `fields.payload` and `nodeSettings.payload`,
    /// then the first object anywhere that has `inputParameters`. Each may be JSON in a text. Nil when there is none.
    package init?(flow: Value) {
        let first = FlowGraph.firstNode(of: flow)
        let places = [flow["payload"], first?["fields"]?["payload"], first?["nodeSettings"]?["payload"]]
        for place in places {
            if let place, let contract = FlowContract(payload: place) {
                self = contract
                return
            }
        }
        var search = ContractSearch()
        guard let found = search.find(in: flow, depth: 0) else { return nil }
        self = found
    }

    /// - Parameter payload: an object with `inputParameters`, or a text that holds one.
    init?(payload: Value) {
        let object = payload.text.flatMap { try? JSONReader.parse($0) } ?? payload
        guard let inputs = object["inputParameters"].flatMap(Self.parameters) else { return nil }
        self.init(inputs: inputs, outputs: object["outputParameters"].flatMap(Self.parameters) ?? [])
    }

    /// `{"firstName":"string"}`, or a text that holds it. A type that is no word becomes what it is in JSON.
    private static func parameters(_ json: Value) -> [Parameter]? {
        let object = json.text.flatMap { try? JSONReader.parse($0) } ?? json
        return object.fields?.fields.map { Parameter(name: $0.name, type: typeName($0.value)) }
    }

    private static func typeName(_ value: Value) -> String {
        value.text ?? value["type"]?.text ?? JSONType(value).rawValue
    }
}

/// Looks for `inputParameters` anywhere, within bounds: flows are other people's documents.
private struct ContractSearch {
    static let maximumDepth = 24
    static let maximumValues = 50_000

    private var looked = 0

    mutating func find(in value: Value, depth: Int) -> FlowContract? {
        looked += 1
        guard depth <= Self.maximumDepth, looked <= Self.maximumValues else { return nil }
        if let found = FlowContract(payload: value) { return found }
        let inner = value.list ?? value.fields?.fields.map(\.value) ?? []
        for value in inner {
            if let found = find(in: value, depth: depth + 1) { return found }
        }
        return nil
    }
}

/// The type of a value once it is JSON.
enum JSONType: String {
    case string, number, boolean, null, array, object

    /// Bytes and times become texts.
    init(_ value: Value) {
        self =
            switch value {
            case .null: .null
            case .bool: .boolean
            case .int, .double: .number
            case .string, .bytes, .timestamp: .string
            case .list: .array
            case .record: .object
            }
    }
}
