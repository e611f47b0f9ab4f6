import Events
import Testing

@testable import FlowMate

@Suite struct ContractCheckTests {
    private let contract = FlowContract(
        inputs: [
            .init(name: "id", type: "string"), .init(name: "n", type: "number"), .init(name: "ok", type: "boolean"),
        ])
    private let good: Fields = ["id": "x".value, "n": .int(1), "ok": .bool(true)]

    private func check(_ data: Fields, _ check: ContractCheck = ContractCheck()) -> ContractCheck.Result {
        check.check(.record(data), against: contract)
    }

    @Test func `what fits goes through unchanged`() {
        #expect(check(good) == ContractCheck.Result(data: .record(good)))
    }

    private static let misfits: [(String, Value?, ContractViolation.Problem)] = [
        ("id", nil, .missing), ("id", .null, .null), ("n", .string("1"), .wrongType(wanted: "number", found: "string")),
        ("id", .int(1), .wrongType(wanted: "string", found: "number")),
        ("ok", .int(1), .wrongType(wanted: "boolean", found: "number")),
        ("id", .list([]), .wrongType(wanted: "string", found: "array")),
    ]

    @Test(arguments: misfits)
    func `what does not fit names its parameter`(
        _ name: String, _ value: Value?, _ problem: ContractViolation.Problem
    ) {
        var data = good
        data[name] = value
        #expect(check(data).violations == [ContractViolation(name, problem)])
        let warned = check(data, ContractCheck(mode: .warn))
        #expect(warned.violations.isEmpty && warned.warnings == [ContractViolation(name, problem)])
        #expect(check(data, ContractCheck(mode: .off)) == ContractCheck.Result(data: .record(data)))
        #expect(check(data).violations[0].description.contains("'\(name)'"))
    }

    @Test func `times and bytes are texts once they are JSON`() {
        var data = good
        data["id"] = .timestamp(0)
        #expect(check(data).violations.isEmpty)
        data["id"] = .bytes([1])
        #expect(check(data).violations.isEmpty)
    }

    @Test func `optional parameters may be missing, nullable ones null, and not the other way round`() {
        var data = good
        data["id"] = nil
        #expect(check(data, ContractCheck(optional: ["id"])).violations.isEmpty)
        #expect(check(data, ContractCheck(nullable: ["id"])).violations.map(\.problem) == [.missing])
        data["id"] = .null
        #expect(check(data, ContractCheck(nullable: ["id"])).violations.isEmpty)
        #expect(check(data, ContractCheck(optional: ["id"])).violations.map(\.problem) == [.null])
    }

    @Test func `keys that the contract does not name are dropped, or passed`() {
        var data = good
        data["extra"] = .int(1)
        let dropped = check(data)
        #expect(dropped.data == .record(good) && dropped.dropped == ["extra"] && dropped.violations.isEmpty)
        let passed = check(data, ContractCheck(extraKeys: .pass))
        #expect(passed.data == .record(data) && passed.dropped.isEmpty)
    }

    @Test func `an unknown type and a number above 2 to the 53rd warn, and are sent`() {
        let odd = FlowContract(inputs: [.init(name: "id", type: "date"), .init(name: "n", type: "number")])
        let result = ContractCheck().check(
            .record(["id": .int(1), "n": .int(9_007_199_254_740_993)]), against: odd)
        #expect(result.violations.isEmpty)
        #expect(result.warnings.map(\.problem) == [.unknownType("date"), .inexact])
    }

    @Test func `without a contract only off delivers`() {
        let data = Value.record(good)
        #expect(ContractCheck().check(data, against: nil).violations.map(\.problem) == [.noContract])
        let warned = ContractCheck(mode: .warn).check(data, against: nil)
        #expect(warned.violations.isEmpty && warned.warnings.map(\.problem) == [.noContract] && warned.data == data)
        #expect(ContractCheck(mode: .off).check(data, against: nil) == ContractCheck.Result(data: data))
    }

    @Test func `a body keeps its bytes unless keys are dropped`() {
        let body = Array(#"{"data": {"id":"x", "n":1, "ok":true}}"#.utf8)
        #expect(ContractCheck().check(body: body, against: contract).body == body)
        let more = Array(#"{"data":{"id":"x","n":1,"ok":true,"z":1}}"#.utf8)
        let trimmed = ContractCheck().check(body: more, against: contract)
        #expect(String(decoding: trimmed.body, as: UTF8.self) == #"{"data":{"id":"x","n":1,"ok":true}}"#)
        let wrong = ContractCheck().check(body: Array("[]".utf8), against: contract)
        #expect(wrong.result.violations.map(\.problem) == [.notAnObject("null")])
    }
}

extension String {
    fileprivate var value: Value { .string(self) }
}
