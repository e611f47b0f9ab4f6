internal import CRE2
import Synchronization

/// A regular expression in RE2 syntax: unanchored, linear time, neither look-around nor back-references.
///
/// `@unchecked` because of the pointer: it is set once, freed by `deinit`, and RE2 matches one pattern from several
/// threads at once safely.
final class Pattern: @unchecked Sendable {
    /// UTF-8 bytes.
    static let lengthLimit = 512
    /// Instructions of RE2's program.
    static let programLimit = 2_000
    /// Bytes RE2 may use for one pattern's program and automaton.
    private static let memoryLimit: Int64 = 1 << 20

    private let pointer: OpaquePointer
    /// UTF-8 bytes of the pattern.
    let length: Int

    /// - Throws: `CELError` of kind `.badArgument`.
    init(_ text: String) throws(CELError) {
        length = text.utf8.count
        guard length <= Self.lengthLimit else {
            throw badArgument("the pattern has \(length) bytes, more than \(Self.lengthLimit)")
        }
        let compiled = withBytes(text) { bytes in
            bytes.withMemoryRebound(to: CChar.self) { cre2_compile($0.baseAddress, $0.count, Self.memoryLimit) }
        }
        guard let compiled else { throw badArgument("there is no memory for the pattern") }
        pointer = compiled
        if let error = cre2_error(compiled) {
            throw badArgument("RE2 refuses the pattern: \(String(cString: error))")
        }
        let size = cre2_program_size(compiled)
        guard size <= Self.programLimit else {
            throw badArgument("the pattern needs \(size) instructions, more than \(Self.programLimit)")
        }
    }

    deinit { cre2_free(pointer) }

    /// Whether it matches anywhere in the text. Costs a tenth per byte of text, times a quarter per byte of pattern.
    func matches(_ text: String, _ frame: CELFrame) throws(CELError) -> Bool {
        let units = max(text.utf8.count, 1).multipliedReportingOverflow(by: 25 * max(length, 4))
        try frame.charge(thousandths: units.overflow ? 1 << 50 : units.partialValue)
        let result = withBytes(text) { bytes in
            bytes.withMemoryRebound(to: CChar.self) { cre2_match(pointer, $0.baseAddress, $0.count) }
        }
        guard result >= 0 else { throw badArgument("matching ran out of memory") }
        return result == 1
    }
}

/// The function `matches`.
extension Pattern {
    /// A literal pattern is compiled with the expression.
    @Sendable static func specialize(_ literals: [CELValue?]) throws(CELError) -> CELImplementation? {
        guard case .string(let text)? = literals.last ?? nil else { return nil }
        let pattern = try Pattern(text)
        return .binary { text, _, frame throws(CELError) in
            guard case .string(let text) = text else { return nil }
            return .bool(try pattern.matches(text, frame))
        }
    }

    @Sendable static func matches(
        _ text: CELValue, _ pattern: CELValue, _ frame: CELFrame
    ) throws(CELError) -> CELValue? {
        guard case .string(let text) = text, case .string(let pattern) = pattern else { return nil }
        // Whether it is compiled already depends on what came before, and the cost must not.
        try frame.charge(max(10, min(pattern.utf8.count, lengthLimit)))
        return .bool(try PatternCache.shared.pattern(pattern).matches(text, frame))
    }
}

/// Patterns computed while evaluating.
private final class PatternCache: Sendable {
    static let shared = PatternCache()
    private static let limit = 256

    private let patterns = Mutex<[CELKey: Pattern]>([:])

    func pattern(_ text: String) throws(CELError) -> Pattern {
        let key = CELKey.string(text)
        if let found = patterns.withLock({ $0[key] }) { return found }
        let pattern = try Pattern(text)
        patterns.withLock {
            // Starting over is rare and simple; which patterns are wanted again is not worth remembering.
            if $0.count >= Self.limit { $0.removeAll(keepingCapacity: true) }
            $0[key] = pattern
        }
        return pattern
    }
}
