/// One way to call a function, for the checker.
package struct CELOverload: Sendable {
    package let parameters: [CELType]
    package let result: CELType
    /// Called as `parameters[0].name(...)`.
    package let isReceiver: Bool
    /// The last parameter may be given any number of times, at least once.
    package let isVariadic: Bool
    /// Counts only where no other one fits.
    package private(set) var isFallback = false

    package var asFallback: CELOverload {
        var overload = self
        overload.isFallback = true
        return overload
    }

    package static func global(_ parameters: CELType..., returns result: CELType) -> CELOverload {
        CELOverload(parameters: parameters, result: result, isReceiver: false, isVariadic: false)
    }

    package static func receiver(_ parameters: CELType..., returns result: CELType) -> CELOverload {
        CELOverload(parameters: parameters, result: result, isReceiver: true, isVariadic: false)
    }

    package static func variadic(_ parameters: CELType..., returns result: CELType) -> CELOverload {
        CELOverload(parameters: parameters, result: result, isReceiver: false, isVariadic: true)
    }

    package init(parameters: [CELType], result: CELType, isReceiver: Bool, isVariadic: Bool) {
        self.parameters = parameters
        self.result = result
        self.isReceiver = isReceiver
        self.isVariadic = isVariadic
    }

    func accepts(_ count: Int, isReceiver: Bool) -> Bool {
        self.isReceiver == isReceiver && (isVariadic ? count >= parameters.count : count == parameters.count)
    }
}

/// What a function does. The receiver comes first among the arguments. Nil means: no overload for these values; with a
/// null among them that makes the outcome unknown, otherwise a fault.
package enum CELImplementation: Sendable {
    case unary(@Sendable (CELValue, CELFrame) throws(CELError) -> CELValue?)
    case binary(@Sendable (CELValue, CELValue, CELFrame) throws(CELError) -> CELValue?)
    case general(@Sendable ([CELValue], CELFrame) throws(CELError) -> CELValue?)
}

/// A function of the standard library or of the embedder. Several may share a name when they differ in form (receiver
/// or not) or number of arguments.
package struct CELFunction: Sendable {
    /// A name given the literal arguments of a call (nil for computed ones) when the call is compiled.
    /// - Returns: an implementation made for them, or nil for the usual one.
    /// - Throws: what is wrong with them; compiling the expression fails with it.
    package typealias Specialization = @Sendable ([CELValue?]) throws(CELError) -> CELImplementation?

    /// May be qualified: `sf.id18`.
    package let name: String
    package let overloads: [CELOverload]
    /// Nil for functions that are declared for the checker only.
    package let implementation: CELImplementation?
    package let specialization: Specialization?

    package init(
        _ name: String, _ overloads: [CELOverload], specialization: Specialization? = nil,
        _ implementation: CELImplementation?
    ) {
        self.name = name
        self.overloads = overloads
        self.implementation = implementation
        self.specialization = specialization
    }
}
