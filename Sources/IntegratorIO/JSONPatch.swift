import Events

/// The body of `PATCH /flows/{id}`: a list of `replace` operations, which is all that integrator.io takes.
package struct JSONPatch: Sendable, Equatable {
    package struct Replacement: Sendable, Equatable {
        /// `/schedule`, `/pageGenerators/0/skipRetries`
        package var path: String
        package var value: Value

        package init(path: String, value: Value) {
            self.path = path
            self.value = value
        }
    }

    /// Fields of a flow that can be patched. `*` stands for a position in a list.
    package static let flowFields = [
        "name", "description", "schedule", "timezone", "disabled", "runPageGeneratorsInParallel",
        "pageGenerators/*/schedule", "pageGenerators/*/skipRetries", "routers/*/name", "routers/*/branches/*/name",
        "routers/*/branches/*/description", "aliases",
    ]

    package var replacements: [Replacement]

    package init(_ replacements: [Replacement]) { self.replacements = replacements }

    /// The first path that integrator.io does not take for flows; nil when all are fine.
    package var unknownFlowField: String? {
        replacements.map(\.path).first { path in
            let steps = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            let form = steps.map { Int($0) == nil ? String($0) : "*" }.joined(separator: "/")
            return !path.hasPrefix("/") || !Self.flowFields.contains(form)
        }
    }

    package var json: Value {
        .list(
            replacements.map { replacement in
                .record(["op": "replace".value, "path": replacement.path.value, "value": replacement.value])
            })
    }
}

extension String {
    fileprivate var value: Value { .string(self) }
}
