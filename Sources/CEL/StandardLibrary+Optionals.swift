extension StandardLibrary {
    static let optionalFunctions: [CELFunction] = [
        CELFunction(
            "optional.of", [.global(anything, returns: .optional(anything))], .unary { value, _ in .optional(value) }),
        CELFunction(
            "optional.ofNonZeroValue", [.global(anything, returns: .optional(anything))],
            .unary { value, _ in .optional(value.isZero ? nil : value) }),
        CELFunction("optional.none", [.global(returns: .optional(anything))], .general { _, _ in .optional(nil) }),
        CELFunction(
            "hasValue", [.receiver(.optional(anything), returns: .bool)],
            .unary { value, _ in
                guard case .optional(let inner) = value else { return nil }
                return .bool(inner != nil)
            }),
        CELFunction(
            "value", [.receiver(.optional(anything), returns: anything)],
            .unary { value, _ throws(CELError) in
                guard case .optional(let inner) = value else { return nil }
                guard let inner else { throw badArgument("the optional has no value") }
                return inner
            }),
        CELFunction(
            "or", [.receiver(.optional(anything), .optional(anything), returns: .optional(anything))],
            .binary { value, other, _ in
                guard case .optional(let inner) = value, case .optional = other else { return nil }
                return inner == nil ? other : value
            }),
        CELFunction(
            "orValue",
            [
                .receiver(.optional(anything), anything, returns: anything),
                .receiver(.optional(.dyn), .dyn, returns: .dyn).asFallback,
            ],
            .binary { value, other, _ in
                guard case .optional(let inner) = value else { return nil }
                return inner ?? other
            }),
    ]
}
