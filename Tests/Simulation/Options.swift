/// The command line.
struct Options {
    static let usage = """
        usage: sluice-simulation [--seeds N] [--first SEED] [--seed SEED] [--twice] [--defect NAME [--as WORDS]]
          --seeds N       how many seeds, 500 unless told otherwise
          --first SEED    where to begin, 0 unless told otherwise
          --seed SEED     this one alone, with everything that happens in it
          --twice         every seed twice, to see that it repeats
          --defect NAME   plants a bug, and ends when it is caught: \(Defect.allCases.dropFirst().map(\.rawValue).joined(separator: ", "))
          --as WORDS      it is caught when a seed fails with these words; with any, unless told otherwise

        """

    private(set) var seeds: Range<UInt64> = 0..<500
    private(set) var isSpoken = false
    private(set) var runsTwice = false
    private(set) var defect = Defect.none
    private var words = ""

    /// - Returns: nil if they cannot be read.
    init?(_ arguments: some Sequence<String>) {
        var rest = Array(arguments)
        var count: UInt64 = 500
        var first: UInt64 = 0
        while !rest.isEmpty {
            let option = rest.removeFirst()
            if option == "--twice" {
                runsTwice = true
                continue
            }
            guard !rest.isEmpty else { return nil }
            let text = rest.removeFirst()
            if option == "--defect" {
                guard let defect = Defect(rawValue: text) else { return nil }
                self.defect = defect
                continue
            }
            if option == "--as" {
                words = text
                continue
            }
            guard let number = UInt64(text) else { return nil }
            switch option {
            case "--seeds": count = number
            case "--first": first = number
            case "--seed":
                first = number
                count = 1
                isSpoken = true
            default: return nil
            }
        }
        seeds = first..<(first + count)
    }

    /// - Parameter problems: of one seed.
    func isCaught(_ problems: [String]) -> Bool {
        defect.isProblem && problems.contains { words.isEmpty || $0.contains(words) }
    }
}
