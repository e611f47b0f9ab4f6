/// "Did you mean": the known word nearest to what was written.
package enum Suggestion {
    /// - Returns: the nearest of `words` within a third of the length of `text` (at least one edit), upper and lower
    ///   case counting as equal; the first one of several equally near.
    package static func nearest(to text: String, in words: some Sequence<String>) -> String? {
        let wanted = Array(text.lowercased().unicodeScalars.prefix(64))
        let limit = max(1, wanted.count / 3)
        var best: (word: String, distance: Int)?
        for word in words where word != text {
            let candidate = Array(word.lowercased().unicodeScalars.prefix(64))
            guard abs(candidate.count - wanted.count) <= limit else { continue }
            let distance = distance(wanted, candidate)
            if distance <= limit, distance < best?.distance ?? .max { best = (word, distance) }
        }
        return best?.word
    }

    /// The nearest word, if no other is as near: what may be written without asking.
    package static func only(to text: String, in words: some Sequence<String>) -> String? {
        guard let best = nearest(to: text, in: words) else { return nil }
        let wanted = Array(text.lowercased().unicodeScalars.prefix(64))
        func away(_ word: String) -> Int { distance(wanted, Array(word.lowercased().unicodeScalars.prefix(64))) }
        let least = away(best)
        return words.contains { $0 != best && $0 != text && away($0) <= least } ? nil : best
    }

    package static func hint(for text: String, in words: some Sequence<String>) -> String? {
        nearest(to: text, in: words).map { "did you mean '\($0)'?" }
    }

    /// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours each count one.
    static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            for column in 1...right.count {
                let cost = left[row - 1] == right[column - 1] ? 0 : 1
                var value = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + cost)
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    value = min(value, beforeLast[column - 2] + 1)
                }
                current.append(value)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
