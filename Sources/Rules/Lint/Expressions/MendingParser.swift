import CEL
import Documents

/// Parses an expression, and goes on after mistakes that it can mend, so that all of them are reported at once.
struct MendingParser {
    /// So many mistakes of one expression are mended.
    static let maximumMends = 20

    private let text: String
    private(set) var diagnoses: [Diagnosis] = []
    /// The text as mended so far, and where in the original each of its scalars came from, with one place for its end.
    private var scalars: [Unicode.Scalar]
    private var origins: [Int]

    init(_ text: String) {
        self.text = text
        scalars = Array(text.unicodeScalars)
        origins = Array(0...scalars.count)
    }

    /// - Returns: the tree of the text, mended where it was wrong; nil where that is not certain. Its ranges are those
    ///   of the mended text: `original` leads back.
    mutating func parse(_ options: CELSyntaxOptions) -> CELSyntaxTree? {
        var isCertain = true
        for _ in 0...Self.maximumMends {
            let mended = diagnoses.isEmpty ? text : String(scalars: scalars)
            do {
                let tree = try CELSyntaxTree(parsing: mended, options: options)
                return isCertain ? tree : nil
            } catch {
                let diagnosis = SyntaxDiagnosis(error, in: mended).diagnosis
                let placed = original(diagnosis)
                // The mend was none.
                guard !diagnoses.contains(where: { $0.range == placed.range && $0.code == placed.code }) else { return nil }
                diagnoses.append(placed)
                guard let text = diagnosis.replacement ?? diagnosis.continuation else { return nil }
                isCertain = isCertain && diagnosis.replacement != nil
                mend(diagnosis.mended ?? diagnosis.range, text)
            }
        }
        return nil
    }

    /// A diagnosis of the mended text, placed in the original.
    func original(_ diagnosis: Diagnosis) -> Diagnosis {
        var diagnosis = diagnosis
        diagnosis.range = original(diagnosis.range)
        diagnosis.mended = diagnosis.mended.map(original)
        return diagnosis
    }

    private func original(_ range: Range<Int>) -> Range<Int> {
        let last = origins.count - 1
        let start = origins[min(range.lowerBound, last)]
        guard range.upperBound > range.lowerBound else { return start..<start }
        return start..<max(start, origins[min(range.upperBound, last)])
    }

    private mutating func mend(_ range: Range<Int>, _ replacement: String) {
        let new = Array(replacement.unicodeScalars)
        scalars.replaceSubrange(range, with: new)
        origins.replaceSubrange(range, with: new.map { _ in origins[range.lowerBound] })
    }
}
