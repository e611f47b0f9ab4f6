/// For sinks whose requests are only looked at.
package struct NothingKept: RunJournal, DeliveryOutcomes {
    package init() {}

    package func runStates(of destination: String) async -> [String: [UInt8]] { [:] }
    package func saveRunState(_ json: [UInt8], destination: String, flow: String) async {}
    package func delivered(_ ids: [String]) async {}
    package func dead(_ ids: [String], note: AttemptNote) async {}
}
