import Events

/// Finds out how a flow takes a date window, which Celigo does not document: which body a run wants, and whether a run
/// with a window moves the flow's own watermark. Runs the flow with a window that is known to hold a number of records.
///
/// Asks for one action at a time, like `FlowRunPlan`. No network, no clock.
package struct WindowProof: Sendable, Equatable {
    package enum Action: Sendable, Equatable {
        case readWatermark
        case run(RunBody.Shape)
        case finish(Verdict)
    }

    package enum Event: Sendable, Equatable {
        /// Epoch milliseconds; nil when the flow never ran.
        case watermark(Int64?)
        /// The run ended.
        case ran(RunResult.Outcome, exported: Int)
        /// integrator.io does not take this body.
        case refused(String)
    }

    package enum Watermark: String, Sendable, Equatable {
        case unmoved
        /// It is at the end of the window now.
        case atWindowEnd
        /// It moved elsewhere, such as to the time of the run.
        case moved
        case unknown
    }

    package struct Trial: Sendable, Equatable {
        package enum Result: Sendable, Equatable {
            /// As many records as the window holds.
            case matches
            /// The window's end, or all of it, was not looked at.
            case more
            case fewer
            case refused(String)
            case didNotComplete(RunResult.Outcome)
        }

        package var shape: RunBody.Shape
        package var result: Result
        package var exported: Int
        package var watermark: Watermark
    }

    package enum Verdict: Sendable, Equatable {
        case works(RunBody.Shape, Watermark)
        /// No shape gave the expected number.
        case none
    }

    /// Epoch milliseconds.
    package let from: Int64
    package let until: Int64
    package let expected: Int
    /// Counts may differ by so much: records change while one looks.
    package let tolerance: Int
    package private(set) var trials: [Trial] = []
    /// The flow's own next run would cover part of the window too, so the number proves less.
    package private(set) var isWeak = false

    private var shapes: [RunBody.Shape]
    private var before: Int64?
    private var ran: Ran?
    private var step = Step.before

    private enum Step { case before, run, after }

    private struct Ran: Equatable {
        var outcome: RunResult.Outcome
        var exported: Int
    }

    /// - Parameter expected: records that the window holds, at least 1: nothing proves itself by nothing.
    package init(
        from: Int64, until: Int64, expected: Int, tolerance: Int = 0,
        shapes: [RunBody.Shape] = [.nested, .topLevel]
    ) {
        precondition(from < until && expected > 0 && tolerance >= 0, "a window that holds something")
        self.from = from
        self.until = until
        self.expected = expected
        self.tolerance = tolerance
        self.shapes = shapes
    }

    package var next: Action {
        if case .matches? = trials.last?.result, let last = trials.last {
            return .finish(.works(last.shape, last.watermark))
        }
        guard let shape = shapes.first else { return .finish(.none) }
        return step == .run ? .run(shape) : .readWatermark
    }

    package mutating func apply(_ event: Event) {
        switch (step, event) {
        case (.before, .watermark(let time)):
            before = time
            // Without a watermark the flow's next run is a full export: any number is news.
            if let time, time < until { isWeak = true }
            step = .run
        case (.run, .refused(let reason)): conclude(.refused(reason), exported: 0, .unknown)
        case (.run, .ran(let outcome, let exported)):
            ran = Ran(outcome: outcome, exported: exported)
            step = .after
        case (.after, .watermark(let time)):
            guard let ran else { preconditionFailure("a run comes before its second watermark") }
            conclude(judged(ran.outcome, ran.exported), exported: ran.exported, moved(to: time))
        default: preconditionFailure("an answer to something that was not asked")
        }
    }

    private mutating func conclude(_ result: Trial.Result, exported: Int, _ watermark: Watermark) {
        trials.append(Trial(shape: shapes.removeFirst(), result: result, exported: exported, watermark: watermark))
        ran = nil
        step = .before
    }

    private func judged(_ outcome: RunResult.Outcome, _ exported: Int) -> Trial.Result {
        guard outcome == .completed || outcome == .completedWithErrors else { return .didNotComplete(outcome) }
        if abs(exported - expected) <= tolerance { return .matches }
        return exported > expected ? .more : .fewer
    }

    private func moved(to time: Int64?) -> Watermark {
        if time == before { return .unmoved }
        guard let time else { return .unknown }
        // Bounds are kept in seconds by some exports.
        return abs(time - until) < 1000 ? .atWindowEnd : .moved
    }
}
