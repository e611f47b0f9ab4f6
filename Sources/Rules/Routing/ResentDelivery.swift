import Events

extension ReplayedDelivery {
    /// A request that was sent before, as a delivery of a replay. A CloudEvent gets the new ID and says so as well; the
    /// rest of it stays byte for byte.
    package static func resent(_ sent: Delivery, by replay: String) -> Delivery {
        var delivery = sent
        delivery.id = id(sent.id, of: replay)
        guard case .webhook(let method, let path, let headers) = sent.target else { return delivery }
        delivery.target = .webhook(
            method: method, path: path, headers: renamed(headers, to: delivery.id, replay: replay))
        if headers.contains(CloudEvent.structuredType) { delivery.body = renamed(sent, to: delivery.id, replay: replay) }
        return delivery
    }

    /// Of a CloudEvent in binary mode; other headers stay as they are.
    private static func renamed(
        _ headers: [DeliveryTarget.Header], to id: String, replay: String
    ) -> [DeliveryTarget.Header] {
        guard let place = headers.firstIndex(where: { $0.name == CloudEvent.idHeader }) else { return headers }
        var headers = headers
        headers[place] = DeliveryTarget.Header(name: CloudEvent.idHeader, value: id)
        headers.removeAll { $0.name == CloudEvent.replayHeader }
        headers.append(DeliveryTarget.Header(name: CloudEvent.replayHeader, value: replay))
        return headers
    }

    /// The body of a structured CloudEvent.
    private static func renamed(_ sent: Delivery, to id: String, replay: String) -> [UInt8] {
        let start = CloudEvent.start(id: sent.id)
        guard sent.body.starts(with: start) else { return sent.body }
        var rest = sent.body.dropFirst(start.count)
        if let before = Self.replay(ofDelivery: sent.id) { rest.removeFirst(statement(before)) }
        return CloudEvent.start(id: id) + statement(replay) + rest
    }

    private static func statement(_ replay: String) -> [UInt8] { Array(#","\#(cloudEventsExtension)":"\#(replay)""#.utf8) }
}

extension ArraySlice<UInt8> {
    /// Removes the first place at which `bytes` stand, if there is one.
    fileprivate mutating func removeFirst(_ bytes: [UInt8]) {
        guard count >= bytes.count else { return }
        for begin in startIndex...(endIndex - bytes.count) where self[begin...].starts(with: bytes) {
            return removeSubrange(begin..<begin + bytes.count)
        }
    }
}
