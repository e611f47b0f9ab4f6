import Events
import Logging

/// Performs steps.
struct ScriptRunner: Sendable {
    let service: PubSubService
    let targets: EmulatorTargets
    let feed: FeedRunner
    let clock: TimeSource
    let logger: Logger

    /// One after another, until the end or until its task is cancelled.
    func run(_ script: Script, file: String) async throws {
        for line in script.lines {
            logger.debug("script line \(line.number)")
            do { try await perform(line.step) } catch let error as EmulatorError {
                throw EmulatorError.badScript(file: file, line: line.number, reason: "\(error)")
            }
        }
    }

    func perform(_ step: ScriptStep) async throws {
        switch step {
        case .publish(let changes): try await service.publish(changes)
        case .feed(let count): await feed.publish(count)
        case .wait(let duration): try await clock.sleep(duration)
        case .fault(let fault): await service.inject(fault)
        case .salesforce(let edit): try await service.perform(edit)
        case .target(let fault): await targets.add(fault)
        case .flowMate(let edit): try await targets.perform(edit)
        case .integrator(let edit): try await targets.perform(edit)
        case .job(let errors): await targets.add(errors.map { .completed(errors: $0) } ?? .failed)
        }
    }
}
