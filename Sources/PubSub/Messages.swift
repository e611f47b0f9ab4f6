import Events

/// The messages of `eventbus.v1.PubSub`, with the wire's field names. Source: schemas/pubsub_api.proto.
///
/// Fields of proto3 are never missing: an empty string or zero is what the peer left out.
package enum PubSubMethod {
    package static let subscribe = "/eventbus.v1.PubSub/Subscribe"
    package static let getSchema = "/eventbus.v1.PubSub/GetSchema"
    package static let getTopic = "/eventbus.v1.PubSub/GetTopic"
    package static let publish = "/eventbus.v1.PubSub/Publish"
    package static let publishStream = "/eventbus.v1.PubSub/PublishStream"
}

package struct FetchRequest: Sendable, Equatable {
    package var topicName: String
    package var replayPreset: ReplayPreset
    /// With `.custom` only; the stream starts strictly after it.
    package var replayID: ReplayID?
    /// Credits to add.
    package var numRequested: Int32

    package init(
        topicName: String = "", replayPreset: ReplayPreset = .latest, replayID: ReplayID? = nil, numRequested: Int32
    ) {
        self.topicName = topicName
        self.replayPreset = replayPreset
        self.replayID = replayID
        self.numRequested = numRequested
    }
}

package struct FetchResponse: Sendable, Equatable {
    /// Empty in a keepalive.
    package var events: [ConsumerEvent]
    /// May be ahead of the events of this response: a cursor only if there are none.
    package var latestReplayID: ReplayID?
    package var rpcID: String
    /// Credits left.
    package var pendingNumRequested: Int32

    package init(
        events: [ConsumerEvent] = [], latestReplayID: ReplayID? = nil, rpcID: String = "",
        pendingNumRequested: Int32 = 0
    ) {
        self.events = events
        self.latestReplayID = latestReplayID
        self.rpcID = rpcID
        self.pendingNumRequested = pendingNumRequested
    }
}

package struct TopicRequest: Sendable, Equatable {
    package var topicName: String

    package init(topicName: String) { self.topicName = topicName }
}

package struct TopicInfo: Sendable, Equatable {
    package var topicName: String
    package var tenantGUID: String
    package var canPublish: Bool
    package var canSubscribe: Bool
    /// Empty for channels that carry several entities.
    package var schemaID: String
    package var rpcID: String

    package init(
        topicName: String, tenantGUID: String = "", canPublish: Bool = false, canSubscribe: Bool = true,
        schemaID: String = "", rpcID: String = ""
    ) {
        self.topicName = topicName
        self.tenantGUID = tenantGUID
        self.canPublish = canPublish
        self.canSubscribe = canSubscribe
        self.schemaID = schemaID
        self.rpcID = rpcID
    }
}

package struct SchemaRequest: Sendable, Equatable {
    package var schemaID: String

    package init(schemaID: String) { self.schemaID = schemaID }
}

package struct SchemaInfo: Sendable, Equatable {
    /// Avro JSON.
    package var schemaJSON: String
    package var schemaID: String
    package var rpcID: String

    package init(schemaJSON: String, schemaID: String, rpcID: String = "") {
        self.schemaJSON = schemaJSON
        self.schemaID = schemaID
        self.rpcID = rpcID
    }
}

package struct ProducerEvent: Sendable, Equatable {
    /// The publisher's own ID, at most 36 characters, or empty.
    package var id: String
    package var schemaID: String
    package var payload: [UInt8]

    package init(id: String, schemaID: String, payload: [UInt8]) {
        self.id = id
        self.schemaID = schemaID
        self.payload = payload
    }
}

package struct PublishRequest: Sendable, Equatable {
    package var topicName: String
    package var events: [ProducerEvent]

    package init(topicName: String, events: [ProducerEvent]) {
        self.topicName = topicName
        self.events = events
    }
}

package struct PublishResponse: Sendable, Equatable {
    /// In the order of the request's events.
    package var results: [PublishResult]
    package var schemaID: String
    package var rpcID: String

    package init(results: [PublishResult], schemaID: String, rpcID: String = "") {
        self.results = results
        self.schemaID = schemaID
        self.rpcID = rpcID
    }
}

package struct PublishResult: Sendable, Equatable {
    package struct Failure: Sendable, Equatable {
        /// `ErrorCode` of the wire; an unknown one is kept as its number.
        package var code: Int32
        package var message: String

        package init(code: Int32, message: String) {
            self.code = code
            self.message = message
        }
    }

    package var replayID: ReplayID?
    /// Present: this event was not published.
    package var error: Failure?
    package var correlationKey: String

    package init(replayID: ReplayID?, error: Failure? = nil, correlationKey: String) {
        self.replayID = replayID
        self.error = error
        self.correlationKey = correlationKey
    }
}

/// Bytes that are not the message they should be.
package struct WireFormatError: Error, CustomStringConvertible {
    package let message: String
    package let byteCount: Int

    package var description: String {
        "cannot read a \(message) of \(byteCount) bytes: it is not valid protobuf. "
            + "A proxy or a wrong endpoint may have answered in place of the Pub/Sub API."
    }
}
