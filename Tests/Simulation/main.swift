// The simulation: the whole relay in one process, with a clock, a network, a disk and receivers that a seed drives.
//
// What is real: everything from the subscriptions to the sinks: `RelayService` with its sign-in, schemas, ingest, rules
// (texts, compiled), outbox, breaker, batches, flow runs, and the store with SQLite. What is simulated stands where the
// product takes parameters: `RelayWorld` (clock, Pub/Sub API, limits), `HTTPClient`, and SQLite's file system
// (`CPowerLoss`). HTTP/2, TLS and libcurl are not in it; they have tests against real peers.
//
// What makes a seed repeatable: one thread runs every task (`Machine` takes the jobs of Swift's pool), in an order that
// the seed decides; time moves when nothing else can; the standard library's randomness comes from the seed
// (`CSimulation`); dictionaries have a fixed order (SWIFT_DETERMINISTIC_HASHING, set below); and the store's work runs on
// the same thread (`StoreTurns`). Every decision goes into a number (`Trace`), by which two runs are compared.
//
// Some worlds have more (`Scope`): an operator who asks for replays (`SimulatedOperator`); records that a REST API reads
// and events tell of, whole or by halves (`SimulatedRecords`), and that bulk queries read while they change
// (`SimulatedBulkJobs`); rules that make several deliveries of one event
// (`FannedFlows`); a destination that writes into the org, whose changes come back (`SimulatedWrites.swift`).
//
// What must hold (`Truth`, `Ledger`, `World.watch`): what the cursor passed has arrived, is kept, or is parked with a
// reason, whenever a process dies; in the end everything has arrived or is parked; deliveries of one record arrive in
// order, and its newest one last; what was acknowledged before a stop that ended well does not come again; what is in
// memory stays within its limits; nothing runs in circles, and nothing happens when there is nothing to do. A replay
// delivers what was asked for, in order and by its name, and moves no live cursor (`ReplayTruth`); a receiver of records
// never goes back, and ends with what Salesforce has (`RecordTruth`).

import Glibc

if getenv("SWIFT_DETERMINISTIC_HASHING") == nil {
    startAgain(with: "SWIFT_DETERMINISTIC_HASHING", "1")
}

guard let options = Options(CommandLine.arguments.dropFirst()) else {
    print(Options.usage)
    exit(2)
}

Machine.takeOver()
var summary = Summary.soFar ?? Summary()
for seed in options.seeds.dropFirst(summary.seeds) {
    if summary.isFull { startAgain(with: Summary.variable, summary.text) }
    let first = Outcome(seed: seed, options)
    summary.add(first, seed: seed)
    if options.isCaught(first.problems) { break }
    if options.runsTwice {
        let second = Outcome(seed: seed, options)
        if second.hash != first.hash { summary.diverged(seed) }
    }
}
summary.print()
exit(summary.isGood ? 0 : 1)

/// As the same process, with the same arguments.
func startAgain(with variable: String, _ value: String) -> Never {
    setenv(variable, value, 1)
    var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
    execv("/proc/self/exe", &arguments)
    fatalError("cannot start again: \(String(cString: strerror(errno)))")
}
