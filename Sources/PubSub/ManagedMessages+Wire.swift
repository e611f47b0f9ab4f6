internal import CPubSub
import Events

extension ManagedFetchRequest {
    package func encode() -> [UInt8] {
        var scratch = Scratch()
        var message = Eventbus__V1__ManagedFetchRequest()
        eventbus__v1__managed_fetch_request__init(&message)
        message.subscription_id = scratch.string(subscriptionID)
        message.developer_name = scratch.string(developerName)
        message.num_requested = numRequested
        if let commit {
            var inner = Eventbus__V1__CommitReplayRequest()
            eventbus__v1__commit_replay_request__init(&inner)
            inner.commit_request_id = scratch.string(commit.id)
            inner.replay_id = scratch.bytes(commit.replayID?.bytes ?? [])
            message.commit_replay_id_request = scratch.value(inner)
        }
        return packed(&message)
    }

    package init(decoding bytes: [UInt8]) throws(WireFormatError) {
        self = try unpacked(
            bytes, as: "ManagedFetchRequest", unpack: eventbus__v1__managed_fetch_request__unpack
        ) { message in
            ManagedFetchRequest(
                subscriptionID: String(wire: message.subscription_id),
                developerName: String(wire: message.developer_name), numRequested: message.num_requested,
                commit: message.commit_replay_id_request.map { inner in
                    CommitReplayRequest(
                        id: String(wire: inner.pointee.commit_request_id),
                        replayID: ReplayID([UInt8](wire: inner.pointee.replay_id)))
                })
        }
    }
}

extension ManagedFetchResponse {
    package func encode() -> [UInt8] {
        // A message is the concatenation of its fields, so the answer to a commit may stand behind the rest.
        response.encode() + (commit.map(Self.encode) ?? [])
    }

    private static func encode(_ commit: CommitReplayResponse) -> [UInt8] {
        var scratch = Scratch()
        var message = Eventbus__V1__ManagedFetchResponse()
        eventbus__v1__managed_fetch_response__init(&message)
        var inner = Eventbus__V1__CommitReplayResponse()
        eventbus__v1__commit_replay_response__init(&inner)
        inner.commit_request_id = scratch.string(commit.id)
        inner.replay_id = scratch.bytes(commit.replayID?.bytes ?? [])
        inner.process_time = commit.processTime
        if let error = commit.error {
            var failure = Eventbus__V1__Error()
            eventbus__v1__error__init(&failure)
            failure.code = Eventbus__V1__ErrorCode(UInt32(bitPattern: error.code))
            failure.msg = scratch.string(error.message)
            inner.error = scratch.value(failure)
        }
        message.commit_response = scratch.value(inner)
        return packed(&message)
    }

    /// - Throws: also for an event without a replay ID.
    package init(decoding bytes: [UInt8]) throws(WireFormatError) {
        let commit = try unpacked(
            bytes, as: "ManagedFetchResponse", unpack: eventbus__v1__managed_fetch_response__unpack
        ) { message in
            message.commit_response.map { CommitReplayResponse(wire: $0.pointee) }
        }
        self.init(response: try FetchResponse(decoding: bytes), commit: commit)
    }
}

extension CommitReplayResponse {
    init(wire message: Eventbus__V1__CommitReplayResponse) {
        self.init(
            id: String(wire: message.commit_request_id), replayID: ReplayID([UInt8](wire: message.replay_id)),
            error: message.error.map {
                PublishResult.Failure(
                    code: Int32(bitPattern: $0.pointee.code.rawValue), message: String(wire: $0.pointee.msg))
            }, processTime: message.process_time)
    }
}
