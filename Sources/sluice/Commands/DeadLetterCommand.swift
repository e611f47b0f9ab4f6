import ArgumentParser
import Relay
import Rules
import Store

struct DeadLetterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dlq", abstract: "Dead letters: deliveries that nobody tries any more, and what became of them.",
        discussion: """
            A delivery comes here when its receiver said that it can never succeed (rejected), when the retries of \
            its rule were used up (exhausted), when its request could not be built (rendering), or when an operator \
            gave up what waited for its destination (dropped). Events that could not be decoded stand beside them, in \
            quarantine (--quarantine).

            Works beside a running relay and without one.
            """,
        subcommands: [List.self, Show.self, Retry.self, Edit.self, Drop.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists dead letters, newest first.")

        @OptionGroup var filter: DeadLetterOptions
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let caller = try DeadLetterOptions.caller(options)
            let filter = try filter.filter()
            if self.filter.quarantine {
                let list: QuarantineList = try await caller.answer(route: "quarantine.list", request: filter)
                return Terminal.output.write(json ? try ReplayOutput.json(list) : DeadLetterText.quarantine(list))
            }
            let list: DeadLetterList = try await caller.answer(route: "dlq.list", request: filter)
            Terminal.output.write(json ? try ReplayOutput.json(list) : DeadLetterText.list(list))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one dead letter (its request, and every attempt with its answer), or one quarantined event.",
            discussion: """
                The body is what the receiver was to get. By default its keys are shown and its values are not, so \
                that \
                the output can be put into a ticket; --body full shows it as it is, unless its rule says less (bodies).

                With --quarantine, an event that could not be decoded: its schema, and with --body full its payload. \
                --json --body full prints both as a line for `sluice decode --json-lines`.
                """)

        @Argument(help: "The delivery's ID, or its beginning; with --quarantine, the event's number.") var id: String
        @Flag(help: "An event that could not be decoded.") var quarantine = false
        @Option(help: "What of the body is shown: full, redacted or none.") var body = "redacted"
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            guard let display = BodyDisplay(rawValue: body) else {
                throw CommandFailure(.badInput, "--body is full, redacted or none.")
            }
            if quarantine {
                let detail: QuarantineDetail = try await DeadLetterOptions.caller(options).answer(
                    route: "quarantine.show", request: DeadLetterQuestion(id: id, body: display))
                return Terminal.output.write(json ? try ReplayOutput.json(detail) : DeadLetterText.quarantined(detail))
            }
            let detail: DeadLetterDetail = try await DeadLetterOptions.caller(options).answer(
                route: "dlq.show", request: DeadLetterQuestion(id: id, body: display))
            Terminal.output.write(json ? try ReplayOutput.json(detail) : DeadLetterText.detail(detail))
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sends dead letters again, with the same delivery IDs and fresh retries.",
            discussion: """
                What order means: a lane (the deliveries of one record, unless the rule says otherwise) goes on when \
                one of \
                its deliveries dies. What is sent again goes to the end of its lane: among themselves in their \
                original \
                order, behind everything of that lane that waits, and after what was delivered meanwhile. Where a \
                newer \
                state of the record has been delivered already, the older one arrives after it: receivers that mind \
                compare \
                the event's time, or you drop it.

                A request goes out as it was built, to the flow and path that it names, whatever the rules say now; \
                --render \
                builds it anew by today's rules, from its event, as long as the journal has that. One that could not be \
                rendered keeps its event, unless a backfill read it, and is always built anew. Without a running relay they are put to the outbox and sent when one starts.

                With --quarantine, events that could not be decoded are decoded again and take their way through \
                rules and \
                outbox; that needs a running relay.
                """)

        @OptionGroup var filter: DeadLetterOptions
        @Flag(help: "All of them.") var all = false
        @Flag(help: "Build the requests anew, by today's rules.") var render = false
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let chosen = try filter.filter(all: all)
            let caller = try DeadLetterOptions.caller(options, writes: true)
            let outcome: DeadLetterOutcome =
                filter.quarantine
                ? try await caller.answer(route: "quarantine.retry", request: chosen)
                : try await caller.answer(
                    route: "dlq.retry", request: DeadLetterRetry(chosen, rendersAnew: render))
            if outcome.count == 0, outcome.skippedCount == 0, !chosen.ids.isEmpty, filter.quarantine {
                throw CommandFailure(.badInput, "there is none with such a number; see `sluice dlq list --quarantine`.")
            }
            Terminal.output.write(
                json ? try ReplayOutput.json(outcome) : DeadLetterText.retried(outcome, isQuarantine: filter.quarantine))
            if outcome.count == 0, outcome.skippedCount > 0 { throw CommandFailure(.failed) }
        }
    }

    struct Edit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replaces the body of a dead letter and sends it again.",
            discussion: """
                The ID stays, and the list of attempts says that the body was replaced; only a FlowMate flow is called with \
                a new x-request-id, since it drops what it has seen. If the body was JSON, the new one must be.
                """)

        @Argument(help: "The delivery's ID, or its beginning.") var id: String
        @Option(help: "A file with the new body; without it, standard input.") var file: String?
        @Flag(help: "Only replace the body.") var keep = false
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let body = try ReplayInput.read(file)
            let outcome: DeadLetterOutcome = try await DeadLetterOptions.caller(options, writes: true).answer(
                route: "dlq.edit", request: DeadLetterEdit(id: id, body: body, resends: !keep))
            let text = keep ? "The body was replaced.\n" : DeadLetterText.retried(outcome, isQuarantine: false)
            Terminal.output.write(json ? try ReplayOutput.json(outcome) : text)
            if outcome.count == 0, outcome.skippedCount > 0 { throw CommandFailure(.failed) }
        }
    }

    struct Drop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forgets dead letters for good.",
            discussion: "Nothing of them stays: what a receiver misses then, it misses. Asks first, unless --yes.")

        @OptionGroup var filter: DeadLetterOptions
        @Flag(help: "All of them.") var all = false
        @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false
        @OptionGroup var options: ConfigurationOption
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let chosen = try filter.filter(all: all)
            let count = try await count(chosen)
            let what = filter.quarantine ? counted(count, "quarantined event") : counted(count, "dead letter")
            guard count > 0 else {
                let text = json ? try ReplayOutput.json(DeadLetterOutcome()) : "There is nothing of that kind.\n"
                return Terminal.output.write(text)
            }
            try ReplayInput.confirm("\(what) will be forgotten for good.", yes: yes)
            let route = filter.quarantine ? "quarantine.drop" : "dlq.drop"
            let outcome: DeadLetterOutcome = try await DeadLetterOptions.caller(options, writes: true).answer(
                route: route, request: chosen)
            Terminal.output.write(json ? try ReplayOutput.json(outcome) : "\(outcome.count) forgotten.\n")
        }

        private func count(_ chosen: DeadLetterFilter) async throws -> Int {
            let caller = try DeadLetterOptions.caller(options)
            let count: Int
            if filter.quarantine {
                count = try await caller.answer(
                    route: "quarantine.list", request: chosen, as: QuarantineList.self
                ).count
            } else {
                count = try await caller.answer(route: "dlq.list", request: chosen, as: DeadLetterList.self).count
            }
            return min(count, chosen.limit ?? .max)
        }
    }
}
