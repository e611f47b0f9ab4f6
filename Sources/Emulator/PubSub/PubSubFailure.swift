/// Why a call of the Pub/Sub API fails, in the words and trailers of the real one.
struct PubSubFailure: Error, Equatable, Sendable {
    /// The numbers are those of gRPC.
    enum Status: Int, Sendable {
        case invalidArgument = 3
        case notFound = 5
        case permissionDenied = 7
        case resourceExhausted = 8
        case failedPrecondition = 9
        case unimplemented = 12
        case internalError = 13
        case unavailable = 14
        case unauthenticated = 16
    }

    static let prefix = "sfdc.platform.eventbus.grpc."

    let status: Status
    /// Without `prefix`.
    let code: String
    let message: String

    init(_ status: Status, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    var fullCode: String { Self.prefix + code }

    /// `grpc-message`, not yet percent-encoded.
    func text(rpcID: String) -> String { "\(message) rpcId: \(rpcID)" }

    /// The trailers beside `grpc-status` and `grpc-message`.
    func trailers(rpcID: String, method: String) -> [(name: String, value: String)] {
        [("error-code", fullCode), ("rpc-id", rpcID), ("type", method)]
    }
}

extension PubSubFailure {
    static let serviceUnavailable = PubSubFailure(
        .unavailable, "service.unavailable", "The service is temporarily unavailable. Try again later.")
    static let sessionInvalid = PubSubFailure(
        .unauthenticated, "service.auth.error",
        "An authentication exception occurred. The session has expired or is invalid.")

    static func missingHeader(_ name: String) -> PubSubFailure {
        PubSubFailure(
            .unauthenticated, "service.auth.headers.invalid", "The \(name) header is missing or blank.")
    }

    static func unknownTopic(_ name: String) -> PubSubFailure {
        PubSubFailure(.notFound, "topic.not.found", "The topic \(name) was not found.")
    }

    static let emptyTopic = PubSubFailure(
        .invalidArgument, "topic.validation.empty", "The topic name can't be blank.")

    static func cannotSubscribe(_ name: String) -> PubSubFailure {
        PubSubFailure(
            .permissionDenied, "subscription.topic.cannot.subscribe",
            "The user doesn't have permission to subscribe to the topic \(name).")
    }

    static func topicMismatch(first: String, now: String) -> PubSubFailure {
        PubSubFailure(
            .invalidArgument, "subscription.fetch.topic.mismatch",
            "The topic can't change within a stream: it began with \(first) and now names \(now).")
    }

    static func badCount(_ count: Int32) -> PubSubFailure {
        PubSubFailure(
            .invalidArgument, "subscription.fetch.requested.events.invalid",
            "The number of requested events must be above zero, not \(count).")
    }

    static let replayIDMissing = PubSubFailure(
        .invalidArgument, "subscription.fetch.replayid.validation.failed",
        "The replay ID validation failed: a CUSTOM preset needs a replay ID.")
    static let replayIDCorrupted = PubSubFailure(
        .invalidArgument, "subscription.fetch.replayid.corrupted",
        "The replay ID validation failed: the ID is corrupted, or its event is out of retention.")
    static let badMessage = PubSubFailure(
        .internalError, "subscription.internal.error", "The request message can't be read.")

    static func unknownSchema(_ id: String) -> PubSubFailure {
        id.isEmpty
            ? PubSubFailure(.invalidArgument, "schema.validation.failed", "The schema ID can't be blank.")
            : PubSubFailure(.notFound, "schema.validation.failed", "There is no schema with the ID \(id).")
    }

    static let deliveryLimitReached = PubSubFailure(
        .resourceExhausted, "subscription.limit.exceeded",
        "You have exceeded the event delivery limit for your org.")
}

/// Publish, and PublishStream.
extension PubSubFailure {
    static let nothingToPublish = PubSubFailure(
        .invalidArgument, "publish.event.count.invalid", "A publish request needs at least one event.")
    static let emptyPublishTopic = PubSubFailure(
        .invalidArgument, "publish.topic.validation.empty", "The topic name can't be blank.")
    static let publishStreamIdle = PubSubFailure(
        .unavailable, "publish.stream.sweeper.timeout", "The stream was idle for too long.")

    static func publishTopicMismatch(first: String, now: String) -> PubSubFailure {
        PubSubFailure(
            .invalidArgument, "publish.topic.mismatch",
            "The topic can't change within a stream: it began with \(first) and now names \(now).")
    }
}

/// ManagedSubscribe.
extension PubSubFailure {
    static let managedNameMissing = managed(
        .invalidArgument, "id.or.developer.name.empty",
        "The first request names the subscription, by its ID or by its developer name and not by both.")
    static let managedCommitFirst = managed(
        .invalidArgument, "fetch.request.commit.request.restricted", "The first request can't commit.")
    static let managedRequestEmpty = managed(
        .invalidArgument, "fetch.request.invalid", "The request asks for no events and commits nothing.")
    static let managedDeleted = managed(.notFound, "config.deleted", "The managed subscription was deleted.")

    static func badManagedID(_ id: String) -> PubSubFailure {
        managed(.invalidArgument, "subscription.id.invalid", "The ID \(id) has neither 15 nor 18 characters.")
    }

    static func unknownManagedID(_ id: String) -> PubSubFailure {
        managed(.notFound, "subscription.id.not.found", "There is no managed subscription with the ID \(id).")
    }

    static func unknownManagedName(_ name: String) -> PubSubFailure {
        managed(.notFound, "developer.name.not.found", "There is no managed subscription \(name).")
    }

    static func managedCount(_ count: Int32) -> PubSubFailure {
        managed(
            .invalidArgument, "fetch.request.events.invalid",
            "The number of requested events can't be below zero: \(count).")
    }

    static func managedActive(_ name: String) -> PubSubFailure {
        managed(.failedPrecondition, "already.active", "The managed subscription \(name) has another client.")
    }

    static func managedStopped(_ name: String) -> PubSubFailure {
        managed(.failedPrecondition, "config.stopped", "The state of the managed subscription \(name) is STOP.")
    }

    private static func managed(_ status: Status, _ code: String, _ message: String) -> PubSubFailure {
        PubSubFailure(status, "managed.subscription." + code, message)
    }
}
