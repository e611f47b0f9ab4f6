import Events

/// A flow of some user of a FlowMate, which `fanOut` may choose.
package struct OwnedFlow: Sendable, Equatable {
    package var name: String
    package var parameters: [FlowParameter]

    package init(name: String, parameters: [FlowParameter]) {
        self.name = name
        self.parameters = parameters
    }
}

/// An input parameter of a FlowMate flow.
package struct FlowParameter: Sendable, Hashable {
    package var name: String
    /// As FlowMate writes it: `string`, `number`, `boolean`.
    package var type: String

    package init(_ name: String, _ type: String) {
        self.name = name
        self.type = type
    }

    /// From a file with `inputParameters`, at the top or below it: the answer of FlowMate's API about one flow.
    static func read(_ bytes: [UInt8], path: String) throws(OrgSchemaError) -> [FlowParameter] {
        let value: Value
        do throws(JSONError) {
            value = try JSONReader.parse(bytes)
        } catch {
            throw OrgSchemaError(path: path, reason: "it is not JSON (\(error))")
        }
        guard let parameters = parameters(in: value) else {
            throw OrgSchemaError(path: path, reason: "it has no 'inputParameters'")
        }
        return parameters.fields.compactMap { field in
            if case .string(let type) = field.value { FlowParameter(field.name, type) } else { nil }
        }
    }

    /// Recursion is bounded by the reader's depth.
    private static func parameters(in value: Value) -> Fields? {
        switch value {
        case .record(let fields):
            if case .record(let own)? = fields["inputParameters"] { return own }
            return fields.fields.lazy.compactMap { parameters(in: $0.value) }.first
        case .list(let elements): return elements.lazy.compactMap(parameters).first
        default: return nil
        }
    }
}
