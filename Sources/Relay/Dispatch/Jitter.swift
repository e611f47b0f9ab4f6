/// Randomness for jitter: the system's, or a sequence that a seed repeats (SplitMix64).
package struct Jitter: RandomNumberGenerator, Sendable {
    private var state: UInt64?

    package init(seed: UInt64? = nil) { state = seed }

    package mutating func next() -> UInt64 {
        guard var state else { return UInt64.random(in: .min ... .max) }
        state &+= 0x9E37_79B9_7F4A_7C15
        self.state = state
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
