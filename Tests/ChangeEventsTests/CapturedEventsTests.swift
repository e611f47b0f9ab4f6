import Avro
import Events
import Foundation
import Testing

@testable import ChangeEvents

@Suite struct CapturedEventsTests {
    /// `../shared/vectors` beside the package, found from this file upwards.
    private static let folder: URL? = {
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let candidate = folder.appendingPathComponent("../shared/vectors").standardized
            if FileManager.default.fileExists(atPath: candidate.path) { return candidate }
        }
        return nil
    }()

    private static let bitmaps: [String: [String]] = [
        "R1": ["0x800000", "6-0x01"], "R2": ["6-0x0180"], "R7": ["0x800002"], "R8": ["0x800002"],
    ]

    private static let expected: [String: (changed: [String], known: Fields)] = [
        "R1": (
            ["LastModifiedDate", "ShippingAddress.Street"],
            [
                "ShippingAddress": .record(["Street": .string("101 California St")]),
                "LastModifiedDate": .timestamp(1_771_300_995_000),
            ]
        ),
        "R2": (
            ["ShippingAddress.Latitude", "ShippingAddress.Longitude"],
            ["ShippingAddress": .record(["Latitude": .double(37.793113), "Longitude": .double(-122.398524)])]
        ),
        "R7": (
            ["Name", "LastModifiedDate"],
            ["Name": .string("Burlington Textiles Corp of Americsg"), "LastModifiedDate": .timestamp(1_685_217_197_000)]
        ),
        "R8": (
            ["Name", "LastModifiedDate"],
            ["Name": .string("Burlington Textiles Corp of AmeAa"), "LastModifiedDate": .timestamp(1_685_205_922_000)]
        ),
    ]

    @Test(.enabled(if: folder != nil, "the captured vectors are not present"))
    func `captured events become what Salesforce meant`() throws {
        let folder = try #require(Self.folder)
        let file = try Data(contentsOf: folder.appendingPathComponent("captured-account-events.json"))
        guard case .list(let list) = try JSONReader.parse([UInt8](file)) else { return }
        #expect(list.count == 4)
        for case .record(let entry) in list {
            guard case .string(let name) = entry["name"], case .string(let id) = entry["schemaId"],
                case .string(let hex) = entry["payloadHex"], let expected = Self.expected[name]
            else {
                Issue.record("unexpected shape of the vectors")
                continue
            }
            let json = try String(contentsOf: folder.appendingPathComponent("schemas/\(id).avsc"), encoding: .utf8)
            let event = ConsumerEvent(id: "", schemaID: id, replayID: ReplayID([1])!, payload: Hex.decode(hex)!)
            let decoder = EventDecoder(org: Org(id: "00D", alias: "t", instanceURL: "", isSandbox: false))
            let schema = try EventSchema(json: json, id: id)
            let decoded = try decoder.decode(event, schema: schema, topic: "/t", receivedAt: 0)
            let raw = try #require(schema.bitmaps(of: event.payload))
            #expect(raw["changedFields"] == .list((Self.bitmaps[name] ?? []).map(Value.string)))
            #expect(decoded.count == 1)
            #expect(decoded[0].entity == "Account")
            #expect(decoded[0].change == "update")
            #expect(decoded[0].header?.changedFields == expected.changed)
            #expect(decoded[0].record.known() == expected.known)
        }
    }
}
