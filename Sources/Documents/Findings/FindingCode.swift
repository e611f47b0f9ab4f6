/// The fixed slug of a finding. Scripts and suppressions rely on them: never rename one.
package enum FindingCode: String, Sendable, CaseIterable {
    // The file as YAML.
    case yaml
    case yamlTag = "yaml-tag"
    case yamlComment = "yaml-comment"
    case yamlFlow = "yaml-flow"
    case yamlAlias = "yaml-alias"
    case yamlTab = "yaml-tab"
    case yamlEncoding = "yaml-encoding"
    case yamlDocuments = "yaml-documents"
    case duplicateKey = "duplicate-key"
    case fileSize = "file-size"
    case tooDeep = "too-deep"

    // Its structure.
    case unknownKey = "unknown-key"
    case missingKey = "missing-key"
    case wrongType = "wrong-type"
    case badValue = "bad-value"
    case badDuration = "bad-duration"
    case duplicateID = "duplicate-id"
    case unknownDestination = "unknown-destination"
    case unknownOrg = "unknown-org"
    case wrongKind = "wrong-kind"
    case secretLiteral = "secret-literal"
    case bothGiven = "both-given"

    // Expressions.
    case syntax
    case singleEquals = "single-equals"
    case wordOperator = "word-operator"
    case unknownName = "unknown-name"
    case unknownFunction = "unknown-function"
    case wrongArgument = "wrong-argument"
    case numberTypes = "number-types"
    case notBoolean = "not-boolean"
    case unknownEntity = "unknown-entity"
    case unknownField = "unknown-field"
    case notAPicklistValue = "not-a-picklist-value"
    case notAvailable = "not-available"
    case literalNeeded = "literal-needed"
    case regex
    case regexUnsupported = "regex-unsupported"
    case nestedTemplate = "nested-template"
    case nullText = "null-text"
    case tooLong = "too-long"
    case tooCostly = "too-costly"

    // What it means.
    case neverTrue = "never-true"
    case alwaysFalseType = "always-false-type"
    case absentField = "absent-field"
    case absentInBody = "absent-in-body"
    case deleteHasNoFields = "delete-has-no-fields"
    case nullKept = "null-kept"
    case alwaysChanged = "always-changed"
    case shortID = "short-id"
    case letterCase = "case"
    case contract
    case gapUncovered = "gap-uncovered"
    case notRepresentable = "not-representable"
    case echo
    case timeDependent = "time-dependent"
    case unused
    case sameRule = "same-rule"
    case notIndexed = "not-indexed"
}
