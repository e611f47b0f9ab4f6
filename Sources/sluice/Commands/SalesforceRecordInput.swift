import ArgumentParser
import Events

/// The records that a command writes: one by `--set`, or those of a file.
struct SalesforceRecordInput: ParsableArguments {
    static let maximumRecords = 10_000
    static let maximumBytes = 16 << 20
    private static let advice =
        "Split it, or load it by Bulk API 2.0: a command writes \(maximumRecords) records at most."

    @Option(
        help: """
            FIELD=VALUE; the value is JSON, or else text: Name=Acme, Amount__c=5, Due__c=null, Number__c='"42"'. May \
            be repeated.
            """)
    var set: [String] = []
    @Option(
        help: """
            JSON of one record, of a list of them, or of one after another (a line each); - is standard input.
            """)
    var file: String?

    /// One at least.
    func records(of object: String) throws -> [Fields] {
        guard set.isEmpty != (file == nil) else {
            throw CommandFailure(.badInput, "say what to write: either --set FIELD=VALUE or --file records.json.")
        }
        guard let file else { return [try assigned()] }
        let values = try Self.values(of: file)
        guard !values.isEmpty else { throw CommandFailure(.badInput, "\(file) holds no records.") }
        guard values.count <= Self.maximumRecords else {
            throw CommandFailure(.badInput, "\(file) holds \(values.count) records. \(Self.advice)")
        }
        return try values.enumerated().map { try Self.fields($1, of: object, "\(file): record \($0 + 1)") }
    }

    private func assigned() throws -> Fields {
        let fields = try set.map(FieldAssignment.init)
        let names = fields.map(\.name)
        if let again = names.first(where: { name in names.filter { $0 == name }.count > 1 }) {
            throw CommandFailure(.badInput, "--set names the field \(again) twice.")
        }
        return Fields(fields.map { .init(name: $0.name, value: $0.value) })
    }

    private static func values(of file: String) throws -> [Value] {
        let bytes = try InputFile.read(file, maximumBytes: maximumBytes, advice: advice)
        var reader = JSONReader(bytes)
        var values: [Value] = []
        while (try? reader.isAtEnd) != true {
            do throws(JSONError) {
                values.append(try reader.value())
            } catch {
                throw CommandFailure(.badInput, "\(file): record \(values.count + 1): \(error).")
            }
        }
        guard values.count == 1 else { return values }
        // A list, or the body of a collections call as the guide writes it.
        if case .list(let list) = values[0] { return list }
        if case .record(let body) = values[0], case .list(let list)? = body["records"] { return list }
        return values
    }

    /// - Parameter place: for messages.
    private static func fields(_ value: Value, of object: String, _ place: String) throws -> Fields {
        guard case .record(var fields) = value else {
            throw CommandFailure(.badInput, "\(place) is no JSON object.")
        }
        // As queries and exports of others have it.
        if case .record(let attributes)? = fields["attributes"], case .string(let type)? = attributes["type"],
            type.lowercased() != object.lowercased()
        {
            throw CommandFailure(.badInput, "\(place) is of \(type), not of \(object).")
        }
        fields["attributes"] = nil
        guard !fields.isEmpty else { throw CommandFailure(.badInput, "\(place) has no fields.") }
        return fields
    }
}

extension JSONReader {
    fileprivate var isAtEnd: Bool {
        get throws(JSONError) {
            var copy = self
            try copy.end()
            return true
        }
    }
}
