import Yams

/// Bytes of a file → a tree of nodes with places, or findings that say why not.
///
/// Bounds: `maximumBytes`, `maximumDepth`, `maximumKeys`, `maximumDuplicates`. Aliases are refused before
/// the parser sees them, so the tree is never larger than the file.
struct YAMLReader {
    static let maximumBytes = 1 << 20
    static let maximumDepth = 32
    /// Of one map.
    static let maximumKeys = 1_000
    /// So many repeated keys of one file are told one by one.
    static let maximumDuplicates = 20

    let path: String
    let findings: FindingList

    /// - Returns: nil if the file cannot be read as YAML at all; a finding then says why.
    func read(_ bytes: [UInt8]) -> YAMLNode? {
        guard let text = decode(bytes) else { return nil }
        let source = SourceText(path: path, text: text)
        var scan = YAMLScan(source: source, findings: findings)
        scan.run()
        guard !scan.isBlocked else { return nil }
        do {
            guard let root = try compose(text, source) else { return emptyFile(source) }
            let node = YAMLConverter(source: source, findings: findings, tagged: scan.tags).node(root, depth: 1)
            // What is too deep to be read is one cause; guesses about the rest would only bury it.
            return findings.contains(.tooDeep, in: path) ? nil : node
        } catch {
            if scan.tags.isEmpty { YAMLProblem(error, in: source).report(to: findings, in: source) }
            return nil
        }
    }

    private func decode(_ bytes: [UInt8]) -> String? {
        guard bytes.count <= Self.maximumBytes else {
            let source = SourceText(path: path, text: "")
            findings.report(
                .fileSize, in: source, at: SourcePosition(line: 1, column: 1),
                "the file has \(bytes.count) bytes, more than 1 MiB", hint: "split it into several files")
            return nil
        }
        if let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) {
            return text.unicodeScalars.first == "\u{FEFF}" ? String(scalars: text.unicodeScalars.dropFirst()) : text
        }
        let good = String(decoding: Self.validPrefix(of: bytes), as: UTF8.self)
        let source = SourceText(path: path, text: good)
        let hasNUL = good.utf8.count < bytes.count && bytes[good.utf8.count] == 0
        findings.report(
            .yamlEncoding, in: source, at: source.position(at: source.scalars.count),
            hasNUL ? "the file contains a NUL byte" : "the file is not UTF-8 from here on",
            hint: "save the file as UTF-8 text")
        return nil
    }

    /// Everything before the first NUL or the first byte that is not UTF-8.
    private static func validPrefix(of bytes: [UInt8]) -> ArraySlice<UInt8> {
        let end = bytes.firstIndex(of: 0) ?? bytes.count
        var decoder = UTF8()
        var iterator = bytes[..<end].makeIterator()
        var length = 0
        while case .scalarValue(let scalar) = decoder.decode(&iterator) {
            length += UTF8.width(scalar)
        }
        return bytes[..<length]
    }

    private func emptyFile(_ source: SourceText) -> YAMLNode? {
        findings.report(
            .missingKey, in: source, at: SourcePosition(line: 1, column: 1), "the file is empty",
            hint: "write its keys, or remove the file")
        return nil
    }

    /// Composes the document. The parser stops at a repeated key, so each one is reported, renamed to something that
    /// cannot repeat (of the same length, to keep all places) and the text composed again.
    private func compose(_ text: String, _ source: SourceText) throws -> Node? {
        var scalars = source.scalars
        var told = 0
        while true {
            do {
                let text = told == 0 ? text : String(scalars: scalars)
                return try Parser(yaml: text, resolver: .basic, constructor: .default, encoding: .utf8).singleRoot()
            } catch YamlError.duplicatedKeysInMapping(let names, let context) where told < Self.maximumDuplicates {
                let first = SourcePosition(line: context.mark.line, column: context.mark.column)
                guard let name = names.first else { throw YamlError.memory }
                let current = SourceText(path: path, text: String(scalars: scalars))
                let others = DuplicateKey(name: name, first: first)
                    .find(in: current, atMost: Self.maximumDuplicates - told)
                let message = "'\(name.shortened)' is given twice, first at line \(first.line)"
                guard !others.isEmpty else {
                    findings.report(.duplicateKey, in: source, at: first, message)
                    throw Reported()
                }
                for other in others {
                    findings.report(.duplicateKey, in: source, at: other.position, length: other.range.count, message)
                    Self.disguise(&scalars, other.range, number: told)
                    told += 1
                }
            }
        }
    }

    /// Puts a private-use scalar in front, which `YAMLConverter` takes as "already reported".
    private static func disguise(_ scalars: inout [Unicode.Scalar], _ range: Range<Int>, number: Int) {
        for offset in range { scalars[offset] = "x" }
        scalars[range.lowerBound] = Unicode.Scalar(0xE000 + UInt32(number)) ?? "x"
    }

    /// A finding for this failure exists already.
    struct Reported: Error {}
}
