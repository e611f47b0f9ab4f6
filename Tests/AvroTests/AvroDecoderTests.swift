import Events
import Testing

@testable import Avro

@Suite struct AvroDecoderTests {
    private func decoder(_ json: String) throws -> AvroDecoder { AvroDecoder(try Schema(json: json)) }

    private static let everything = #"""
        {"type":"record","name":"All","fields":[
          {"name":"n","type":"null"},{"name":"b","type":"boolean"},{"name":"i","type":"int"},{"name":"l","type":"long"},
          {"name":"f","type":"float"},{"name":"d","type":"double"},{"name":"y","type":"bytes"},
          {"name":"s","type":"string"},{"name":"x","type":{"type":"fixed","name":"X","size":2}},
          {"name":"e","type":{"type":"enum","name":"E","symbols":["P","Q"]}},
          {"name":"a","type":{"type":"array","items":"int"}},{"name":"m","type":{"type":"map","values":"long"}},
          {"name":"u","type":["null","string",{"type":"record","name":"In","fields":[{"name":"z","type":["int","null"]}]}]},
          {"name":"o","type":["null","In"]},{"name":"p","type":["null","E"]}]}
        """#
    private static var everythingPayload: [UInt8] {
        // b=true, i=-2, l=Int64.max, f=1.5, d=2.5, y=01ff, s=aé, x=abcd, e=Q, a=[1,2] in a sized block, m={k:5},
        // u=In{z:null}, o=In{z: 0}, p=Q
        Hex.decode(
            "01" + "03" + "feffffffffffffffff01" + "0000c03f" + "0000000000000440" + "0401ff" + "0661c3a9" + "abcd" + "02"
                + "0304020400" + "02026b0a00" + "0402" + "020000" + "0202")!
    }

    private static let everythingJSON =
        #"{"n":null,"b":true,"i":-2,"l":9223372036854775807,"f":1.5,"d":2.5,"y":"Af8=","s":"aé","x":"q80=","e":"Q","#
        + #""a":[1,2],"m":{"k":5},"u":{"z":null},"o":{"z":0},"p":"Q"}"#

    @Test func `reads every type`() throws {
        let decoder = try decoder(Self.everything)
        try decoder.check(Self.everythingPayload)
        #expect(String(decoding: try decoder.json(Self.everythingPayload), as: UTF8.self) == Self.everythingJSON)
        let expected: Value = .record([
            "n": .null, "b": .bool(true), "i": .int(-2), "l": .int(.max), "f": .double(1.5), "d": .double(2.5),
            "y": .bytes([1, 255]), "s": .string("aé"), "x": .bytes([0xAB, 0xCD]), "e": .string("Q"),
            "a": .list([.int(1), .int(2)]), "m": .record(["k": .int(5)]), "u": .record(["z": .null]),
            "o": .record(["z": .int(0)]), "p": .string("Q"),
        ])
        #expect(try decoder.value(Self.everythingPayload) == expected)
    }

    @Test func `marks tell where each field stands`() throws {
        let decoder = try decoder(Self.everything)
        let marks = try decoder.scan(Self.everythingPayload)
        #expect(marks.count == 15)
        #expect(marks[2] == 2)
        var values: [Value] = []
        for field in [3, 7, 12] {
            let type = try Schema(json: Self.everything).rootRecord!.fields[field].type
            values.append(try decoder.value(Self.everythingPayload, type: type, mark: marks[field]))
        }
        #expect(values == [.int(.max), .string("aé"), .record(["z": .null])])
    }

    @Test(arguments: [0x7FF8_0000_0000_0000, 0x7FF0_0000_0000_0000, 0xFFF0_0000_0000_0000] as [UInt64])
    func `numbers that JSON cannot say become text`(bits: UInt64) throws {
        let payload = withUnsafeBytes(of: bits.littleEndian) { Array($0) }
        let text = String(decoding: try decoder(#""double""#).json(payload), as: UTF8.self)
        #expect(["\"NaN\"", "\"Infinity\"", "\"-Infinity\""].contains(text))
    }

    @Test func `long runs of nulls are told apart from other zero bytes`() throws {
        let fields = (0..<40).map { index in
            index == 20 ? #"{"name":"k","type":"int"}"# : #"{"name":"f\#(index)","type":["null","int"]}"#
        }
        let decoder = try decoder(#"{"type":"record","name":"R","fields":["# + fields.joined(separator: ",") + "]}")
        var payload = [UInt8](repeating: 0, count: 40)
        payload.replaceSubrange(30..<31, with: [2, 14])
        let marks = try decoder.scan(payload)
        var marked: [Int] = []
        for field in 0..<marks.count where marks[field] != 0 { marked.append(field) }
        #expect(marked == [20, 30])
        guard case .record(let record) = try decoder.value(payload) else { return }
        #expect(record["k"] == .int(0))
        #expect(record["f30"] == .int(7))
        #expect(record["f39"] == .null)
        #expect(try JSONReader.parse(try decoder.json(payload)) == .record(record))
    }

    @Test func `texts of every length and kind are escaped right`() throws {
        let decoder = try decoder(#""string""#)
        for length in 0..<40 {
            for special in ["", "\"", "\\", "\n", "\u{1}", "é", "😀", "\u{7F}"] {
                for place in stride(from: 0, through: length, by: 3) {
                    let text = String(repeating: "x", count: place) + special + String(repeating: "y", count: length - place)
                    let payload = [UInt8(text.utf8.count * 2)] + Array(text.utf8)
                    guard text.utf8.count < 64 else { continue }
                    #expect(try decoder.value(payload) == .string(text))
                    #expect(try JSONReader.parse(try decoder.json(payload)) == .string(text))
                }
            }
        }
    }

    @Test func `varints are exact at every length`() throws {
        let decoder = try decoder(#"{"type":"array","items":"long"}"#)
        for shift in 0..<64 {
            for value in [Int64(1) << shift, 0 &- (Int64(1) << shift), (Int64(1) << shift) &- 1, ~(Int64(1) << shift)] {
                var payload: [UInt8] = [4]
                for _ in 0..<2 {
                    var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
                    while rest >= 0x80 {
                        payload.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                        rest >>= 7
                    }
                    payload.append(UInt8(rest))
                }
                payload.append(0)
                #expect(try decoder.value(payload) == .list([.int(value), .int(value)]))
            }
        }
    }
}
