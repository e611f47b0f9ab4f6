import Events
import FoundationEssentials
import GRDB

/// Deliveries as columns, the same ones in `outbox` and `dead_letters`.
final class ColumnEncoder {
    static let deliveryColumns = """
        destination, rule, lane, target, body, org_id, topic, replay_id, entity, change, record_id, time,
        horizon_ms, max_attempts, on_error, commit_number, sequence_number
        """
    static let deliveryMarks = "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"

    private let encoder: JSONEncoder
    /// Most deliveries beside each other have the same target.
    private var lastTarget: (target: DeliveryTarget, json: String)?

    init() {
        encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    }

    func columns(_ delivery: Delivery) throws -> [(any DatabaseValueConvertible)?] {
        let origin = delivery.origin
        return [
            delivery.destination, delivery.rule, delivery.lane, try json(delivery.target), Data(delivery.body),
            origin.orgID, origin.topic, Data(origin.replayID.bytes), origin.entity, origin.change, origin.recordID,
            origin.time, delivery.retry.horizonMilliseconds, delivery.retry.maximumAttempts,
            delivery.retry.onError.rawValue, origin.commit?.number, origin.commit?.sequence,
        ]
    }

    private func json(_ target: DeliveryTarget) throws -> String {
        if let lastTarget, lastTarget.target == target { return lastTarget.json }
        let json = String(decoding: try encoder.encode(target), as: UTF8.self)
        lastTarget = (target, json)
        return json
    }

    func json(_ history: [AttemptRecord]) throws -> String {
        history.isEmpty ? "[]" : String(decoding: try encoder.encode(history), as: UTF8.self)
    }
}

/// Reads back what `ColumnEncoder` wrote.
final class ColumnDecoder {
    private let decoder = JSONDecoder()
    private var lastTarget: (json: String, target: DeliveryTarget)?

    /// - Parameter start: the index of the first of `ColumnEncoder.deliveryColumns`.
    func delivery(_ row: Row, id: String, at start: Int) throws -> Delivery {
        let number: Int64? = row[start + 15]
        let origin = DeliveryOrigin(
            orgID: row[start + 5], topic: row[start + 6], replayID: try Self.replayID(row[start + 7]),
            entity: row[start + 8], change: row[start + 9], recordID: row[start + 10], time: row[start + 11],
            commit: number.map { CommitPlace(number: $0, sequence: row[start + 16] ?? 0) })
        let limits = RetryLimits(
            horizonMilliseconds: row[start + 12], maximumAttempts: row[start + 13],
            onError: RetryLimits.OnError(rawValue: row[start + 14]) ?? .deadletter)
        return Delivery(
            id: id, rule: row[start + 1], destination: row[start], lane: row[start + 2],
            target: try target(row[start + 3]), body: [UInt8](row[start + 4] as Data),
            origin: origin, retry: limits)
    }

    private func target(_ json: String) throws -> DeliveryTarget {
        if let lastTarget, lastTarget.json == json { return lastTarget.target }
        let target = try decode(DeliveryTarget.self, json)
        lastTarget = (json, target)
        return target
    }

    func history(_ text: String) throws -> [AttemptRecord] {
        text == "[]" ? [] : try decode([AttemptRecord].self, text)
    }

    static func replayID(_ data: Data) throws -> ReplayID {
        guard let id = ReplayID([UInt8](data)) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a replay ID of \(data.count) bytes")
        }
        return id
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        do { return try decoder.decode(type, from: Data(text.utf8)) } catch {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a column that is not the JSON of \(type)")
        }
    }
}
