import Events
import Testing

@testable import ChangeEvents

@Suite struct DecodeLinesTests {
    private func answer(_ line: String) -> String {
        var lines = DecodeLines()
        return String(decoding: lines.answer(Array(line.utf8)), as: UTF8.self)
    }

    @Test(arguments: [
        (#"{"schema":"long","payloadHex":"02"}"#, #"{"schemaId":"4d2aHvmLRRtTaQNws5OWaw","record":1}"#),
        (#"{"payloadHex":"00","schema":["null","long"],"more":[{}]}"#,
            #"{"schemaId":"lbVbiwgKSCDT-T8nkrUKiw","record":null}"#),
        (#" { "schema" : "{\"type\":\"int\"}" , "payloadHex" : "02" } "#,
            #"{"schemaId":"71JOobkecxc9k4reNsHbMg","record":1}"#),
    ])
    func `decodes any schema`(line: String, expected: String) {
        #expect(answer(line) == expected)
    }

    @Test(arguments: [
        ("", "invalidLine"), ("{", "invalidLine"), ("[]", "invalidLine"), ("{} {}", "invalidLine"), ("null", "invalidLine"),
        ("{}", "missingSchema"), (#"{"schema":"int"}"#, "missingPayload"), (#"{"payloadHex":"00"}"#, "missingSchema"),
        (#"{"schema":"what","payloadHex":"00"}"#, "invalidSchema"), (#"{"schema":{"type":,"payloadHex":"00"}"#, "invalidLine"),
        (#"{"schema":[}],"payloadHex":"00"}"#, "invalidLine"), (#"{"schema":{"a":1]},"payloadHex":"00"}"#, "invalidLine"),
        (#"{"schema":"int","payloadHex":"0"}"#, "invalidHex"), (#"{"schema":"int","payloadHex":"zz"}"#, "invalidHex"),
        (#"{"schema":"int","payloadHex":12}"#, "invalidHex"), (#"{"schema":"int","payloadHex":""}"#, "truncated"),
        (#"{"schema":"int","payloadHex":"0202"}"#, "trailingBytes"), (#"{"schema":"int","schema":"int"}"#, "invalidLine"),
        (#"{"schema":"string","payloadHex":"02ff"}"#, "invalidUTF8"),
    ])
    func `answers every bad line with a code`(line: String, code: String) throws {
        guard case .record(let answer) = try JSONReader.parse(answer(line)), case .record(let error) = answer["error"] else {
            Issue.record("no error for \(line)")
            return
        }
        #expect(error["code"] == .string(code))
        #expect(error["message"] != nil)
    }

    @Test func `change events get their changed fields by name`() throws {
        let payload = Hex.encode(SampleChange(changed: ["0x02", "3-0x02"], name: "N").payload)
        guard case .record(let answer) = try JSONReader.parse(
            answer(#"{"schema":\#(SampleChange.schema.replacing("\n", with: " ")),"payloadHex":"\#(payload)"}"#))
        else { return }
        #expect(answer["changedFields"] == .list([.string("Name"), .string("Address__c.City")]))
        #expect(answer.fields.map(\.name) == ["schemaId", "record", "changedFields"])
    }

    @Test func `a schema is compiled once and forgotten only when the cache is full`() {
        var lines = DecodeLines()
        for number in 0..<(DecodeLines.cacheLimit * 2 + 5) {
            let line = #"{"schema":{"type":"fixed","name":"F\#(number)","size":1},"payloadHex":"ff"}"#
            for _ in 0..<2 { #expect(String(decoding: lines.answer(Array(line.utf8)), as: UTF8.self).contains(#""/w==""#)) }
        }
    }

    @Test func `any flipped bit of a line gives some answer`() throws {
        let line = Array(#"{"schema":{"type":"array","items":["null","string"]},"payloadHex":"040002046869020000"}"#.utf8)
        var lines = DecodeLines()
        for bit in 0..<line.count * 8 {
            var damaged = line
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            _ = try JSONReader.parse(lines.answer(damaged))
        }
    }
}
