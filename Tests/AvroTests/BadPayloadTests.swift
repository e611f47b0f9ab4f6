import Events
import Testing

@testable import Avro

/// Every one of the three ways through a payload has to refuse the same bytes.
@Suite struct BadPayloadTests {
    private func expect(
        _ code: AvroDecodeError.Code, _ json: String, _ hex: String, offset: Int? = nil, path: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let decoder = AvroDecoder(try Schema(json: json))
        let payload = try #require(Hex.decode(hex))
        let ways: [() throws -> Void] = [
            { try decoder.check(payload) }, { _ = try decoder.value(payload) }, { _ = try decoder.json(payload) },
        ]
        for way in ways {
            let error = #expect(throws: AvroDecodeError.self, sourceLocation: sourceLocation) { try way() }
            #expect(error?.code == code, sourceLocation: sourceLocation)
            if let offset { #expect(error?.offset == offset, sourceLocation: sourceLocation) }
            if let path { #expect(error?.path == path, sourceLocation: sourceLocation) }
        }
    }

    @Test func `each fault has its code`() throws {
        try expect(.truncated, #""long""#, "")
        try expect(.truncated, #""long""#, "80")
        try expect(.truncated, #""double""#, "00000000000000")
        try expect(.truncated, #"{"type":"fixed","name":"F","size":1073741824}"#, "00")
        try expect(.badVarint, #""long""#, "80808080808080808002")
        try expect(.badVarint, #""long""#, "ffffffffffffffffffffff01")
        try expect(.intOutOfRange, #""int""#, "8080808010")
        try expect(.badBoolean, #""boolean""#, "02")
        try expect(.badUnionBranch, #"["null","int"]"#, "04")
        try expect(.badUnionBranch, #"["null","int"]"#, "01")
        try expect(.badUnionBranch, "[]", "00")
        try expect(.badEnumIndex, #"{"type":"enum","name":"E","symbols":["A"]}"#, "02")
        try expect(.badEnumIndex, #"{"type":"enum","name":"E","symbols":["A"]}"#, "01")
        try expect(.negativeLength, #""string""#, "01")
        try expect(.lengthBeyondEnd, #""bytes""#, "0401")
        try expect(.lengthBeyondEnd, #""string""#, "feffffffffffffffff01")
        try expect(.invalidUTF8, #""string""#, "04c0af")
        try expect(.invalidUTF8, #""string""#, "06eda080")
        try expect(.invalidUTF8, #"{"type":"map","values":"null"}"#, "0202ff00")
        try expect(.trailingBytes, #""int""#, "0200")
        try expect(.badBlockSize, #"{"type":"array","items":"int"}"#, "0104020000")
    }

    @Test func `tells the field and its outer fields`() throws {
        let json = #"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":["null","#
            + #"{"type":"record","name":"S","fields":[{"name":"c","type":"string"}]}]}]}"#
        try expect(.lengthBeyondEnd, json, "02020a", offset: 2, path: "b.c")
    }

    @Test func `refuses recursion without end`() throws {
        try expect(.tooDeep, #"{"type":"record","name":"R","fields":[{"name":"r","type":"R"}]}"#, "")
        let list = #"{"type":"record","name":"R","fields":[{"name":"r","type":["null","R"]}]}"#
        try expect(.tooDeep, list, String(repeating: "02", count: 100_000))
        let lists = #"{"type":"record","name":"R","fields":[{"name":"r","type":{"type":"array","items":"R"}}]}"#
        try expect(.tooDeep, lists, String(repeating: "02", count: 100_000))
    }

    @Test func `a huge count of values without bytes is refused at once`() throws {
        try expect(.tooManyItems, #"{"type":"array","items":"null"}"#, "feffffffffffffffff01")
        try expect(.tooManyItems, #"{"type":"array","items":"null"}"#, "ffffffffffffffffff0100")
        try expect(
            .tooManyItems, #"{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"n","type":"null"}]}}"#,
            "80897a00")
        try expect(.tooManyItems, #"{"type":"map","values":"null"}"#, "feffffffffffffffff01")
    }

    /// Sixty records of two records each: 2^60 values in no bytes at all.
    @Test func `doubling records are refused`() throws {
        var type = #"{"type":"record","name":"R0","fields":[]}"#
        for level in 1...60 {
            type = #"{"type":"record","name":"R\#(level)","fields":[{"name":"a","type":\#(type)},{"name":"b","type":"R\#(level - 1)"}]}"#
        }
        try expect(.tooManyItems, type, "")
    }

    @Test func `long names of values without bytes cannot fill the memory`() throws {
        let name = String(repeating: "n", count: 60_000)
        let json = #"{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"\#(name)","type":"null"}]}}"#
        let error = #expect(throws: AvroDecodeError.self) {
            // 100,000 items.
            try AvroDecoder(try Schema(json: json)).json(Hex.decode("c09a0c00")!)
        }
        #expect(error?.code == .outputTooLarge)
    }

    @Test(.enabled(if: !Vectors.areMissing, "the captured vectors are not present"))
    func `captured payloads cut at every byte are refused`() throws {
        let vectors = try Vectors()
        for event in vectors.captured {
            let decoder = AvroDecoder(try Schema(json: vectors.schemas[event.schemaID]!))
            for count in 0..<event.payload.count {
                let cut = Array(event.payload[..<count])
                #expect(throws: AvroDecodeError.self) { try decoder.check(cut) }
                #expect(throws: AvroDecodeError.self) { try decoder.value(cut) }
                #expect(throws: AvroDecodeError.self) { try decoder.json(cut) }
            }
        }
    }

    @Test(.enabled(if: !Vectors.areMissing, "the captured vectors are not present"))
    func `captured payloads with any bit flipped give the same answer on every way`() throws {
        let vectors = try Vectors()
        for event in vectors.captured {
            let decoder = AvroDecoder(try Schema(json: vectors.schemas[event.schemaID]!))
            for bit in 0..<event.payload.count * 8 {
                var flipped = event.payload
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                let checked = Result { try decoder.check(flipped) }
                let value = Result { try decoder.value(flipped) }
                let json = Result { try JSONReader.parse(try decoder.json(flipped)) }
                switch (checked, value, json) {
                case (.success, .success, .success): break
                case (.failure(let one), .failure(let two), .failure(let three)):
                    #expect(one as? AvroDecodeError == two as? AvroDecodeError)
                    #expect(one as? AvroDecodeError == three as? AvroDecodeError)
                default: Issue.record("bit \(bit) of \(event.name): \(checked) \(value) \(json)")
                }
            }
        }
    }

    @Test(.enabled(if: !Vectors.areMissing, "the captured vectors are not present"))
    func `captured payloads decode to what another decoder saw`() throws {
        let vectors = try Vectors()
        #expect(vectors.captured.count == 4)
        for event in vectors.captured {
            let decoder = AvroDecoder(try Schema(json: vectors.schemas[event.schemaID]!))
            guard case .record(let record) = try decoder.value(event.payload) else { return }
            #expect(record["ChangeEventHeader"] == .record(event.header))
            let set = record.fields.filter { $0.value != .null && $0.name != "ChangeEventHeader" }
            #expect(Fields(set) == event.fieldsSet)
        }
    }
}
