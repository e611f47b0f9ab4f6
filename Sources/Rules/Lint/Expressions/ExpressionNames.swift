import CEL
import Documents

/// The names that mean something where an expression stands, for suggestions.
struct ExpressionNames {
    var variables: [String]
    /// Of a struct or map, by its name in the checker.
    var members: (String) -> [String]
    var functions: [String]
    /// Names under `let` that stand further down.
    var laterLets: Set<String> = []

    /// Words of other languages for what is written otherwise here.
    static let foreignFunctions: [String: String] = [
        "ischanged": "write changed('Field')",
        "isblank": "compare with null, or write record.?Field.orDefault('') == ''",
        "isnull": "compare with null: record.Field == null", "isempty": "write size(x) == 0",
        "length": "write size(x)", "len": "write size(x)", "tolowercase": "write lowerAscii()",
        "lower": "write lowerAscii()", "touppercase": "write upperAscii()", "upper": "write upperAscii()",
        "includes": "write 'x' in list, or text.contains('x')", "like": "write matches() or contains()",
        "coalesce": "write record.?Field.orDefault(value)", "ifnull": "write record.?Field.orDefault(value)",
        "iif": "write condition ? value : other value", "today": "write now",
        "priorvalue": "an event never tells the old value",
    ]

    static let foreignWords: [String: String] = [
        "nil": "null", "none": "null", "undefined": "null", "null": "null", "true": "true", "false": "false",
    ]

    /// What a function of another language, perhaps misspelt, is here.
    static func foreignFunction(_ name: String) -> String? {
        let name = name.lowercased()
        return foreignFunctions[name]
            ?? (name.utf8.count > 4
                ? Suggestion.nearest(to: name, in: foreignFunctions.keys.sorted()).flatMap { foreignFunctions[$0] }
                : nil)
    }

    /// Capitals and `__c` are how fields of Salesforce look.
    static func looksLikeField(_ name: String) -> Bool {
        name.hasSuffix("__c") || name.hasSuffix("__r")
            || name.unicodeScalars.first.map { ("A"..."Z").contains($0) } == true
    }
}
