internal import CPubSub
import Events

extension FetchRequest {
    package func encode() -> [UInt8] {
        var scratch = Scratch()
        var message = Eventbus__V1__FetchRequest()
        eventbus__v1__fetch_request__init(&message)
        message.topic_name = scratch.string(topicName)
        message.replay_preset = Eventbus__V1__ReplayPreset(UInt32(replayPreset.rawValue))
        message.replay_id = scratch.bytes(replayID?.bytes ?? [])
        message.num_requested = numRequested
        return packed(&message)
    }

    /// An unknown preset reads as `.latest`, which is also what the wire's default means.
    package init(decoding bytes: [UInt8]) throws(WireFormatError) {
        self = try unpacked(
            bytes, as: "FetchRequest", unpack: eventbus__v1__fetch_request__unpack
        ) { message in
            FetchRequest(
                topicName: String(wire: message.topic_name),
                replayPreset: ReplayPreset(rawValue: Int32(bitPattern: message.replay_preset.rawValue)) ?? .latest,
                replayID: ReplayID([UInt8](wire: message.replay_id)), numRequested: message.num_requested)
        }
    }
}

extension FetchResponse {
    package func encode() -> [UInt8] {
        var scratch = Scratch()
        var message = Eventbus__V1__FetchResponse()
        eventbus__v1__fetch_response__init(&message)
        var pointers: [UnsafeMutablePointer<Eventbus__V1__ConsumerEvent>] = []
        for event in events { pointers.append(event.wire(&scratch)) }
        message.n_events = pointers.count
        message.events = scratch.array(pointers)
        message.latest_replay_id = scratch.bytes(latestReplayID?.bytes ?? [])
        message.rpc_id = scratch.string(rpcID)
        message.pending_num_requested = pendingNumRequested
        return packed(&message)
    }

    /// - Throws: also for an event without a replay ID, which could never be resumed after.
    package init(decoding bytes: [UInt8]) throws(WireFormatError) {
        let response = try unpacked(
            bytes, as: "FetchResponse", unpack: eventbus__v1__fetch_response__unpack
        ) { message -> FetchResponse? in
            var events: [ConsumerEvent] = []
            events.reserveCapacity(message.n_events)
            for index in 0..<message.n_events {
                let schemaID = events.last?.schemaID ?? ""
                guard let event = message.events[index].flatMap({ ConsumerEvent(wire: $0.pointee, schemaID: schemaID) })
                else { return nil }
                events.append(event)
            }
            return FetchResponse(
                events: events, latestReplayID: ReplayID([UInt8](wire: message.latest_replay_id)),
                rpcID: String(wire: message.rpc_id), pendingNumRequested: message.pending_num_requested)
        }
        guard let response else {
            throw WireFormatError(message: "FetchResponse (an event has no usable replay ID)", byteCount: bytes.count)
        }
        self = response
    }
}

extension ConsumerEvent {
    /// - Parameter recent: the schema ID of the event before this one, which most share.
    init?(wire message: Eventbus__V1__ConsumerEvent, schemaID recent: String) {
        guard let event = message.event?.pointee, let replayID = ReplayID([UInt8](wire: message.replay_id)) else {
            return nil
        }
        self.init(
            id: String(wire: event.id), schemaID: String(wire: event.schema_id, recent: recent), replayID: replayID,
            payload: [UInt8](wire: event.payload))
    }

    func wire(_ scratch: inout Scratch) -> UnsafeMutablePointer<Eventbus__V1__ConsumerEvent> {
        var message = Eventbus__V1__ConsumerEvent()
        eventbus__v1__consumer_event__init(&message)
        message.event = ProducerEvent(id: id, schemaID: schemaID, payload: payload).wire(&scratch)
        message.replay_id = scratch.bytes(replayID.bytes)
        return scratch.value(message)
    }
}

extension ProducerEvent {
    init(wire message: Eventbus__V1__ProducerEvent) {
        self.init(
            id: String(wire: message.id), schemaID: String(wire: message.schema_id),
            payload: [UInt8](wire: message.payload))
    }

    func wire(_ scratch: inout Scratch) -> UnsafeMutablePointer<Eventbus__V1__ProducerEvent> {
        var message = Eventbus__V1__ProducerEvent()
        eventbus__v1__producer_event__init(&message)
        message.id = scratch.string(id)
        message.schema_id = scratch.string(schemaID)
        message.payload = scratch.bytes(payload)
        return scratch.value(message)
    }
}

extension TopicRequest {
    package func encode() -> [UInt8] {
        var scratch = Scratch()
        var message = Eventbus__V1__TopicRequest()
        eventbus__v1__topic_request__init(&message)
        message.topic_name = scratch.string(topicName)
        return packed(&message)
    }

    package init(decoding bytes: [UInt8]) throws(WireFormatError) {
        self = try unpacked(
            bytes, as: "TopicRequest", unpack: eventbus__v1__topic_request__unpack
        ) { TopicRequest(topicName: String(wire: $0.topic_name)) }
    }
}

extension TopicInfo {
    package func encode() -> [UInt8] {
        var scratch = Scratch()
        var message = Eventbus__V1__TopicInfo()
        eventbus__v1__topic_info__init(&message)
        message.topic_name = scratch.string(topicName)
        message.tenant_guid = scratch.string(tenantGUID)
        message.can_publish = canPublish ? 1 : 0
        message.can_subscribe = canSubscribe ? 1 : 0
        message.schema_id = scratch.string(schemaID)
        message.rpc_id = scratch.string(rpcID)
        return packed(&message)
    }

    package init(decoding bytes: [UInt8]) throws(WireFormatError) {
        self = try unpacked(
            bytes, as: "TopicInfo", unpack: eventbus__v1__topic_info__unpack
        ) { message in
            TopicInfo(
                topicName: String(wire: message.topic_name), tenantGUID: String(wire: message.tenant_guid),
                canPublish: message.can_publish != 0, canSubscribe: message.can_subscribe != 0,
                schemaID: String(wire: message.schema_id), rpcID: String(wire: message.rpc_id))
        }
    }
}

extension SchemaRequest {
    package func encode() -> [UInt8] {
        var scratch = Scratch()
        var message = Eventbus__V1__SchemaRequest()
        eventbus__v1__schema_request__init(&message)
        message.schema_id = scratch.string(schemaID)
        return packed(&message)
    }

    package init(decoding bytes: [UInt8]) throws(WireFormatError) {
        self = try unpacked(
            bytes, as: "SchemaRequest", unpack: eventbus__v1__schema_request__unpack
        ) { SchemaRequest(schemaID: String(wire: $0.schema_id)) }
    }
}

extension SchemaInfo {
    package func encode() -> [UInt8] {
        var scratch = Scratch()
        var message = Eventbus__V1__SchemaInfo()
        eventbus__v1__schema_info__init(&message)
        message.schema_json = scratch.string(schemaJSON)
        message.schema_id = scratch.string(schemaID)
        message.rpc_id = scratch.string(rpcID)
        return packed(&message)
    }

    package init(decoding bytes: [UInt8]) throws(WireFormatError) {
        self = try unpacked(
            bytes, as: "SchemaInfo", unpack: eventbus__v1__schema_info__unpack
        ) { message in
            SchemaInfo(
                schemaJSON: String(wire: message.schema_json), schemaID: String(wire: message.schema_id),
                rpcID: String(wire: message.rpc_id))
        }
    }
}

extension PublishRequest {
    package func encode() -> [UInt8] {
        var scratch = Scratch()
        var message = Eventbus__V1__PublishRequest()
        eventbus__v1__publish_request__init(&message)
        message.topic_name = scratch.string(topicName)
        var pointers: [UnsafeMutablePointer<Eventbus__V1__ProducerEvent>] = []
        for event in events { pointers.append(event.wire(&scratch)) }
        message.n_events = pointers.count
        message.events = scratch.array(pointers)
        return packed(&message)
    }

    package init(decoding bytes: [UInt8]) throws(WireFormatError) {
        self = try unpacked(
            bytes, as: "PublishRequest", unpack: eventbus__v1__publish_request__unpack
        ) { message in
            PublishRequest(
                topicName: String(wire: message.topic_name),
                events: (0..<message.n_events).compactMap { index in
                    message.events[index].map { ProducerEvent(wire: $0.pointee) }
                })
        }
    }
}

extension PublishResponse {
    package func encode() -> [UInt8] {
        var scratch = Scratch()
        var message = Eventbus__V1__PublishResponse()
        eventbus__v1__publish_response__init(&message)
        var pointers: [UnsafeMutablePointer<Eventbus__V1__PublishResult>] = []
        for result in results { pointers.append(result.wire(&scratch)) }
        message.n_results = pointers.count
        message.results = scratch.array(pointers)
        message.schema_id = scratch.string(schemaID)
        message.rpc_id = scratch.string(rpcID)
        return packed(&message)
    }

    package init(decoding bytes: [UInt8]) throws(WireFormatError) {
        self = try unpacked(
            bytes, as: "PublishResponse", unpack: eventbus__v1__publish_response__unpack
        ) { message in
            PublishResponse(
                results: (0..<message.n_results).compactMap { index in
                    message.results[index].map { PublishResult(wire: $0.pointee) }
                }, schemaID: String(wire: message.schema_id), rpcID: String(wire: message.rpc_id))
        }
    }
}

extension PublishResult {
    init(wire message: Eventbus__V1__PublishResult) {
        self.init(
            replayID: ReplayID([UInt8](wire: message.replay_id)),
            error: message.error.map {
                Failure(code: Int32(bitPattern: $0.pointee.code.rawValue), message: String(wire: $0.pointee.msg))
            }, correlationKey: String(wire: message.correlation_key))
    }

    func wire(_ scratch: inout Scratch) -> UnsafeMutablePointer<Eventbus__V1__PublishResult> {
        var message = Eventbus__V1__PublishResult()
        eventbus__v1__publish_result__init(&message)
        message.replay_id = scratch.bytes(replayID?.bytes ?? [])
        message.correlation_key = scratch.string(correlationKey)
        if let error {
            var failure = Eventbus__V1__Error()
            eventbus__v1__error__init(&failure)
            failure.code = Eventbus__V1__ErrorCode(UInt32(bitPattern: error.code))
            failure.msg = scratch.string(error.message)
            message.error = scratch.value(failure)
        }
        return scratch.value(message)
    }
}
