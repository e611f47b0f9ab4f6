import CEL
import Testing

@Suite struct AbsenceTests {
    private let record: [String: CELValue] = [
        "record": .object(Members(["Name": .string("Acme"), "NextStep": .null, "Amount": .double(10)]))
    ]

    private func kind(_ source: String) throws -> String {
        switch try condition(source, record) {
        case .isTrue: "true"
        case .isFalse: "false"
        case .unknown(let error): "unknown \(error.kind)"
        case .fault(let error): "fault \(error.kind)"
        }
    }

    @Test func `an absent member makes a condition unknown, and so does its negation`() throws {
        #expect(try kind("record.Gone == 'x'") == "unknown absent")
        #expect(try kind("record.Gone != 'x'") == "unknown absent")
        #expect(try kind("!(record.Gone == 'x')") == "unknown absent")
    }

    @Test func `null has equality, and everything else about it is unknown`() throws {
        #expect(try kind("record.NextStep == null") == "true")
        #expect(try kind("record.NextStep != 'a'") == "true")
        #expect(try kind("record.NextStep > 5") == "unknown null")
        #expect(try kind("record.NextStep.startsWith('a')") == "unknown null")
        #expect(try kind("record.NextStep.Inner == 1") == "unknown null")
        #expect(try kind("record.NextStep && true") == "unknown null")
        #expect(try kind("-record.NextStep == 1") == "unknown null")
        #expect(try kind("'a' in record.NextStep") == "unknown null")
        #expect(try kind("record.NextStep ? true : false") == "unknown null")
    }

    @Test func `other errors are faults`() throws {
        #expect(try kind("record.Amount * 2 > 1.0") == "fault noSuchOverload")
        #expect(try kind("1 / 0 == 1") == "fault divideByZero")
        #expect(try kind("{'a': 1}.b == 1") == "fault noSuchKey")
        #expect(try kind("[1][3] == 1") == "fault indexOutOfRange")
        #expect(try kind("record.Name") == "fault noSuchOverload")
    }

    @Test(arguments: ["record.Gone == 1", "1 / 0 == 1", "record.NextStep > 1"])
    func `a deciding operand absorbs errors on either side`(failing: String) throws {
        #expect(try kind("false && \(failing)") == "false")
        #expect(try kind("\(failing) && false") == "false")
        #expect(try kind("true || \(failing)") == "true")
        #expect(try kind("\(failing) || true") == "true")
        #expect(try kind("(\(failing)) && true") != "true")
        #expect(try kind("false || (\(failing))") != "false")
        #expect(try kind("[1, 2].exists(x, x == 2 || \(failing))") == "true")
        #expect(try kind("[1, 2].all(x, x == 2 && \(failing))") == "false")
    }

    @Test func `without a deciding operand the first error in written order is the outcome`() throws {
        #expect(try kind("record.Gone == 1 && 1 / 0 == 1") == "unknown absent")
        #expect(try kind("1 / 0 == 1 && record.Gone == 1") == "fault divideByZero")
    }

    @Test func `has, optional selection and in tell absent, null and value apart`() throws {
        #expect(try kind("has(record.Name) && has(record.NextStep) && !has(record.Gone)") == "true")
        #expect(try kind("record.?Name.hasValue() && record.?NextStep.hasValue()") == "true")
        #expect(try kind("record.?NextStep == optional.of(null)") == "true")
        #expect(try kind("record.?Gone == optional.none()") == "true")
        #expect(try kind("record.?Gone.orValue('x') == 'x'") == "true")
        #expect(try kind("'Name' in record && !('Gone' in record)") == "true")
        #expect(try kind("record['Name'] == 'Acme'") == "true")
        #expect(try kind("record['Gone'] == 'Acme'") == "unknown absent")
    }

    @Test func `comprehensions see the members that are present`() throws {
        #expect(try kind("record.exists(k, k == 'Amount') && size(record) == 3") == "true")
        #expect(try kind("record.exists(k, v, k == 'Name' && v == 'Acme')") == "true")
        #expect(try kind("type(record) == type(record)") == "true")
    }

    @Test func `a member may fail by itself`() throws {
        final class Failing: CELObject {
            let typeName = "let"
            func member(_ name: CELName) throws(CELError) -> CELValue? { throw CELError(.absent, "inner") }
        }
        let outcome = try condition("let_.x == 1", ["let_": .object(Failing())])
        guard case .unknown(let error) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(error.message == "inner")
    }
}
