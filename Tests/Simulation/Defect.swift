/// Bugs to plant, so that what looks for them is seen to find them.
enum Defect: String, CaseIterable {
    case none
    /// The cursor is stored when a batch arrives, before its deliveries are safe.
    case cursorEarly = "cursor-early"
    /// Deliveries of one record go beside each other.
    case laneless
    /// A delivery that waits is taken out of the outbox.
    case forgetful
    /// A wait that does not wait.
    case busy
    /// Nothing holds the streams back.
    case unbounded
    /// A replay writes its position as that of the live stream.
    case replayMovesCursor = "replay-moves-cursor"
    /// A replay that a kill interrupted is taken for done.
    case replayForgotten = "replay-forgotten"
    /// Nothing of what a read handed over is remembered, so that older events pass behind it.
    case marksForgotten = "marks-forgotten"
    /// Own changes come back without the client's name, and are taken for somebody else's.
    case echoesHeard = "echoes-heard"
    /// A decision that does not come from the seed.
    case unseeded

    /// One that the relay's own promises are broken by.
    var isProblem: Bool { self != .none && self != .unseeded }
}
