import Testing

@testable import IntegratorIO

@Suite struct WindowProofTests {
    private func proof(tolerance: Int = 0) -> WindowProof {
        WindowProof(from: 1_000_000, until: 2_000_000, expected: 10, tolerance: tolerance)
    }

    private func run(
        _ proof: inout WindowProof, before: Int64?, _ exported: Int, _ outcome: RunResult.Outcome = .completed,
        after: Int64?
    ) {
        #expect(proof.next == .readWatermark)
        proof.apply(.watermark(before))
        guard case .run = proof.next else {
            Issue.record("no run is wanted")
            return
        }
        proof.apply(.ran(outcome, exported: exported))
        #expect(proof.next == .readWatermark)
        proof.apply(.watermark(after))
    }

    @Test func `the first form that gives the number is the one`() {
        var proof = proof()
        run(&proof, before: 9_000_000, 10, after: 9_000_000)
        #expect(proof.next == .finish(.works(.nested, .unmoved)))
        #expect(!proof.isWeak && proof.trials.count == 1)
    }

    @Test func `a form that is ignored or refused leads to the next`() {
        var ignored = proof()
        run(&ignored, before: 9_000_000, 0, after: 9_500_000)
        #expect(ignored.next == .readWatermark)
        run(&ignored, before: 9_500_000, 10, .completedWithErrors, after: 2_000_300)
        #expect(ignored.next == .finish(.works(.topLevel, .atWindowEnd)))
        #expect(ignored.trials.map(\.result) == [.fewer, .matches])
        var refused = proof()
        refused.apply(.watermark(nil))
        refused.apply(.refused("400"))
        #expect(refused.trials.last?.result == .refused("400"))
        run(&refused, before: 9_000_000, 10, after: 9_100_000)
        #expect(refused.next == .finish(.works(.topLevel, .moved)))
    }

    @Test func `more records than the window holds prove nothing, and neither does a run that failed`() {
        var proof = proof()
        run(&proof, before: 9_000_000, 11, after: 9_000_000)
        run(&proof, before: 9_000_000, 10, .failed, after: 9_000_000)
        #expect(proof.next == .finish(.none))
        #expect(proof.trials.map(\.result) == [.more, .didNotComplete(.failed)])
    }

    @Test func `a few more or less may be as good`() {
        var proof = proof(tolerance: 1)
        run(&proof, before: 9_000_000, 11, after: nil)
        #expect(proof.next == .finish(.works(.nested, .unknown)))
    }

    @Test func `a window that the flow's own next run would cover proves less`() {
        var proof = proof()
        run(&proof, before: 1_500_000, 10, after: 1_500_000)
        #expect(proof.isWeak)
    }
}
