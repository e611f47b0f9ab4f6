extension StreamFailure {
    /// The same in words that name the topic, where it is the topic that Salesforce refuses.
    ///
    /// - Parameter name: as the configuration or the command line has it.
    func about(topic name: String) -> StreamFailure {
        guard case .stopTopic(let fix) = reaction else { return self }
        if reason.hasPrefix("topic.not.found") || reason.hasPrefix("NOT_FOUND") {
            return StreamFailure(
                reaction: .stopTopic(fix: Self.spelling(of: name)), reason: "there is no topic \(name): \(reason)",
                rpcID: rpcID)
        }
        guard ["topic.", "subscription.topic.", "PERMISSION_DENIED"].contains(where: reason.hasPrefix) else { return self }
        return StreamFailure(
            reaction: .stopTopic(fix: fix), reason: "the topic \(name) is refused: \(reason)", rpcID: rpcID)
    }

    private static func spelling(of name: String) -> String {
        let advice = name.hasPrefix("/event/")
            ? "Check the spelling: it is case-sensitive, custom platform events end in __e and their channels in __chn."
            : "Check the spelling (it is case-sensitive), and select the object in Setup > Change Data Capture."
        return advice + " `sluice salesforce topics` lists those of the org."
    }
}
