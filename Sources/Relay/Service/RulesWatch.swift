import Events
import Logging

/// Reloads the rules when their files have changed and have been quiet for a moment: editors write in several steps, and
/// a deployment writes several files.
struct RulesWatch: Sendable {
    /// No change for this long.
    static let quiet: Duration = .milliseconds(120)
    /// Somebody who never stops writing does not keep the rules from being read.
    static let longest: Duration = .seconds(2)
    /// Between looks at the file of secrets. Its folder is not watched: most often the store lies there as well.
    static let secretsCheck: Duration = .seconds(5)

    let watch: FolderWatch
    let secretsFile: String?
    let loader: RulesLoader
    let time: TimeSource
    let log: Logger

    /// Until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await watchSecrets() }
            await watchRules()
            group.cancelAll()
        }
    }

    private func watchSecrets() async {
        guard let secretsFile else { return }
        var mark = FileMark(secretsFile)
        while (try? await time.sleep(Self.secretsCheck)) != nil {
            let now = FileMark(secretsFile)
            guard now != mark else { continue }
            mark = now
            await loader.reload(onlyIfEdited: true)
        }
    }

    private func watchRules() async {
        // What was edited between the first reading and the first watch.
        await loader.reload(onlyIfEdited: true)
        for await _ in watch.changes {
            guard await settled() else { return }
            do throws(WatchProblem) { try watch.refresh() } catch { log.warning("\(error)") }
            await loader.reload(onlyIfEdited: true)
        }
    }

    /// Waits until nothing has changed for `quiet`.
    ///
    /// - Returns: false when the task is cancelled.
    private func settled() async -> Bool {
        let latest = time.monotonic() + Self.longest
        var seen: Int
        repeat {
            seen = watch.changeCount
            guard (try? await time.sleep(Self.quiet)) != nil else { return false }
        } while watch.changeCount != seen && time.monotonic() < latest
        return true
    }
}
