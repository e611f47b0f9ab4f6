import CEL
import FoundationEssentials
import Testing

/// The CEL specification's simple tests, read from a folder beside the package and skipped where it is missing.
@Suite struct ConformanceTests {
    private static let files = [
        "plumbing", "basic", "comparisons", "conversions", "fields", "fp_math", "integer_math", "lists", "logic",
        "macros", "macros2", "namespace", "parse", "string", "timestamps", "type_deduction", "optionals", "string_ext",
        "math_ext", "encoders_ext", "bindings_ext",
    ]

    private static let required = 1_649

    /// Cases that need not pass, each with its reason. One that passes does not belong here.
    private static let waivers: [String: String] = [:]

    static let folder: URL? = {
        var folder = URL(filePath: #filePath).resolvingSymlinksInPath()
        while folder.path != "/" {
            folder = folder.deletingLastPathComponent()
            let vectors = folder.appending(path: "../shared/vectors/cel-spec").standardized
            let marker = vectors.appending(path: "plumbing.textproto")
            if FileManager.default.fileExists(atPath: marker.path) { return vectors }
        }
        print("CEL conformance: vectors not present, 0 run")
        return nil
    }()

    /// The suite's expressions, for tests that change them; none where the suite is missing.
    static let expressions: [String] = files.flatMap { file -> [String] in
        guard let folder, let data = try? Data(contentsOf: folder.appending(path: "\(file).textproto"))
        else { return [] }
        return ((try? ConformanceCase.read(Array(data), file: file)) ?? []).map(\.expression)
    }

    @Test(.enabled(if: folder != nil, "vectors not present, 0 run"))
    func `every required case of the CEL suite passes`() throws {
        let folder = try #require(Self.folder)
        var total = (passed: 0, waived: 0, required: 0)
        for file in Self.files {
            let data = try Data(contentsOf: folder.appending(path: "\(file).textproto"))
            let cases = try ConformanceCase.read(Array(data), file: file).filter { !$0.needsMessages }
            var passed = 0
            for test in cases {
                let problem = test.run()
                if let reason = Self.waivers[test.name] {
                    #expect(problem != nil, "\(test.name) passes now, but is waived: \(reason)")
                    total.waived += 1
                } else if let problem {
                    Issue.record("\(test.name): \(test.expression)\n  \(problem)")
                } else {
                    passed += 1
                }
            }
            print("CEL conformance: \(file) \(passed) / \(cases.count)")
            total.passed += passed
            total.required += cases.count
        }
        print("CEL conformance: total \(total.passed) / \(total.required), \(total.waived) waived")
        #expect(total.required == Self.required)
    }
}
