import Testing

@testable import IntegratorIO

@Suite struct ListenerGateTests {
    private var gate = ListenerGate(listener: "orders")
    private var now: Int64 = 1_800_000_000_000

    private func activation(_ problems: [ListenerActivation.Problem] = []) -> ListenerActivation {
        ListenerActivation(name: "l", flows: ["f"], problems: problems)
    }

    private mutating func check(_ problems: [ListenerActivation.Problem] = []) -> [FlowRunPlan.Notice] {
        gate.ended(gate.begin(at: now), .success(activation(problems)), at: now)
    }

    private mutating func fail(_ kind: IntegratorFailureKind, retryAfter: Int64? = nil) -> [FlowRunPlan.Notice] {
        let trouble = FlowRunPlan.Trouble(kind: kind, reason: "cannot read export e", retryAfter: retryAfter)
        return gate.ended(gate.begin(at: now), .failure(trouble), at: now)
    }

    @Test mutating func `a listener that takes everything opens without a word`() {
        #expect(gate.state == .unchecked && !gate.isHolding)
        #expect(check() == [])
        #expect(gate.state == .open && gate.flows == ["f"] && gate.checkedAt == now)
    }

    @Test(arguments: [
        ListenerActivation.Problem.disabled(flow: "F"), .abstract(flow: "F"), .offline(connection: "ERP", flow: "F"),
        .noFlow, .notAListener(export: "e"),
    ])
    mutating func `what would lose posts closes it, said once, and again when it opens`(
        _ problem: ListenerActivation.Problem
    ) {
        let closed = check([problem])
        #expect(closed.map(\.level) == [.alarm])
        #expect(closed[0].text.contains("\(problem)") && closed[0].text.contains(problem.advice))
        #expect(gate.state == .closed("\(problem)") && gate.isHolding)
        #expect(gate.interval == ListenerGate.closedInterval)
        #expect(check([problem]) == [])
        #expect(check().map(\.text) == ["listener orders takes events again; what waited goes on"])
        #expect(gate.state == .open && gate.interval == ListenerGate.openInterval)
    }

    @Test mutating func `what is only odd is told, and keeps nothing back`() {
        let notices = check([.otherRecords(theirs: "a", stated: "b")])
        #expect(notices.map(\.level) == [.warning] && gate.state == .open)
        #expect(gate.remark.contains("its path to records is 'a', the rule file says 'b'"))
        #expect(check([.otherRecords(theirs: "a", stated: "b")]) == [])
        #expect(check() == [] && gate.remark.isEmpty)
    }

    @Test mutating func `posts since the last good check are told when the flow turns out to be disabled`() {
        _ = check()
        gate.posted()
        now += 120_000
        let running = gate.begin(at: now)
        gate.posted()
        _ = gate.ended(running, .success(activation()), at: now)
        let safeUntil = now
        gate.posted()
        now += 120_000
        let text = check([.disabled(flow: "F")]).first?.text ?? ""
        // The one before the good check began is safe; one came while it was under way, one after it.
        #expect(text.contains("2 posts since \(ISOTime.text(safeUntil)) may be lost"))
        #expect(text.contains("sluice replay --since"))
    }

    @Test(arguments: [IntegratorFailureKind.retry, .unknown, .busy, .rateLimited])
    mutating func `a check without an answer changes nothing, and comes again soon`(_ kind: IntegratorFailureKind) {
        #expect(fail(kind).map(\.level) == [.info])
        #expect(gate.state == .unchecked && gate.isHolding, "nothing is known: nothing is posted")
        #expect(gate.interval == ListenerGate.troubleInterval)
        _ = check()
        _ = fail(kind, retryAfter: 90_000)
        #expect(gate.state == .open && gate.interval == 90_000)
        _ = check([.disabled(flow: "F")])
        _ = fail(kind)
        #expect(gate.state == .closed("\(ListenerActivation.Problem.disabled(flow: "F"))"))
    }

    @Test(arguments: [IntegratorFailureKind.scope, .invalid, .configuration])
    mutating func `a token that may not look keeps nothing back, and that is said`(_ kind: IntegratorFailureKind) {
        let notices = fail(kind)
        #expect(notices.map(\.level) == [.warning] && notices[0].text.contains("cannot be checked"))
        #expect(gate.state == .open)
    }

    @Test(arguments: [IntegratorFailureKind.credential, .missing])
    mutating func `a refused token or a missing export closes it`(_ kind: IntegratorFailureKind) {
        _ = check()
        #expect(fail(kind).map(\.level) == [.alarm])
        #expect(gate.isHolding)
        #expect(fail(kind) == [])
    }
}
