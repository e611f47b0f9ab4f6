import Avro
import Events
import Testing

@testable import ChangeEvents

@Suite struct BitmapFieldsTests {
    /// A record of `count` fields `f0`, `f1`, …, of which 4, 6 and 7 are compounds of 10 components `c0`, ….
    private func table(_ count: Int) -> FieldTable {
        let components = (0..<10).map { #"{"name":"c\#($0)","type":"string"}"# }.joined(separator: ",")
        let fields = (0..<count).map { index -> String in
            let type = switch index {
            case 4: #"["string",{"type":"record","name":"C","fields":[\#(components)]}]"#
            case 6, 7: #"["string","C"]"#
            default: #""string""#
            }
            return #"{"name":"f\#(index)","type":\#(type)}"#
        }
        let record = #"{"type":"record","name":"R","fields":["# + fields.joined(separator: ",") + "]}"
        let schema = try! Schema(json: record)
        return FieldTable(schema.rootRecord!, in: schema)
    }

    private func decode(_ elements: [String], fields count: Int = 90) -> (names: [String], ignored: Int) {
        let table = table(count)
        var set = BitmapFields()
        for element in elements { Array(element.utf8).withUnsafeBytes { set.insert(element: $0, in: table) } }
        return (set.names(in: table), set.ignored)
    }

    @Test(arguments: [
        (["0x800002"], "f1 f23"), (["0x100000000000800000"], "f23 f68"), (["0x800000", "6-0x01"], "f23 f6.c0"),
        (["6-0x0180"], "f6.c7 f6.c8"), (["0x400800"], "f11 f22"), (["0x400000", "4-0x01"], "f22 f4.c0"),
        (["0x650004E0"], "f5 f6 f7 f10 f24 f26 f29 f30"), (["0x08F81000"], "f12 f19 f20 f21 f22 f23 f27"),
        (["0x0400000000000000"], "f58"), (["7-0x06", "4-0x10"], "f4.c4 f7.c1 f7.c2"),
        (["0xA0060140"], "f6 f8 f17 f18 f29 f31"),
    ])
    func `the documented examples`(elements: [String], names: String) {
        let result = decode(elements)
        #expect(result.names.joined(separator: " ") == names)
        #expect(result.ignored == 0)
    }

    @Test func `odd digits, lower case and repetitions are read`() {
        #expect(decode(["0xa"]).names == ["f1", "f3"])
        #expect(decode(["0X0a", "0xA", "0x0000000000A"]).names == ["f1", "f3"])
    }

    @Test func `bits beyond the fields are counted and passed over`() {
        let result = decode(["0xFF01", "4-0xFC00"], fields: 8)
        #expect(result.names == ["f0"])
        #expect(result.ignored == 8 + 6)
    }

    @Test func `plain names are accepted`() {
        #expect(decode(["f2", "f4.c1", "f1"]).names == ["f1", "f2", "f4.c1"])
    }

    @Test func `what cannot be read is kept as it came`() {
        #expect(decode(["", "0x", "0xG", "what", "1-0x01", "99-0x01", "-0x01", "6-", "99999999999999999999-0x1"]).names
            == ["", "0x", "0xG", "what", "1-0x01", "99-0x01", "-0x01", "6-", "99999999999999999999-0x1"])
        #expect(decode([]).names == [])
    }

    @Test func `no flood of unreadable elements is kept`() {
        let result = decode((0..<500).map { "x\($0)" })
        #expect(result.names.count == BitmapFields.unreadLimit)
        #expect(result.ignored == 400)
    }
}
