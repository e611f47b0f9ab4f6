import Curl
import Events
import TestSupport

/// The records of one object: a table that commits change, the events that tell of it, and the REST API that reads it.
/// Every change gives its records the next number, and the last number is what a receiver has to end with.
///
/// Unchecked: see `Machine`.
final class SimulatedRecords: @unchecked Sendable {
    static let entity = "State__c"
    static let topic = "/data/State__ChangeEvent"
    /// What Salesforce publishes may come so long after its commit.
    static let longestLag = 4_000

    struct Record {
        var number: Int
        /// Epoch milliseconds, by Salesforce's clock. A change is written before it is committed.
        var modified: Int64
        var committed: Int64
        var created: Int64
        var isDeleted = false
        /// An event was published of it, or one that stands for everything.
        var isTold = false
    }

    private let org: SimulatedOrg
    private var random: SeededRandom
    private(set) var table: [Record]
    private var number = 0
    /// Times are told in whole seconds, as by most objects.
    private let cutsSeconds: Bool
    private var publishedUntil: Int64 = 0
    private let bulk: SimulatedBulkJobs

    init(seed: UInt64, org: SimulatedOrg) {
        self.org = org
        random = SeededRandom(seed: seed ^ 0x7265_636F)
        cutsSeconds = random.chance(750)
        bulk = SimulatedBulkJobs(seed: seed, faults: org.faults)
        let old = org.wall - 86_400_000
        table = (0..<random.within(0...25)).map { _ in Record(number: 0, modified: old, committed: old, created: old) }
    }

    static func id(_ record: Int) -> String {
        let digits = "\(record)"
        return "a1S" + String(repeating: "0", count: 12 - digits.count) + digits + "AAA"
    }

    static func record(_ id: String) -> Int? { Int(id.dropFirst(3).dropLast(3)) }

    // MARK: Changes

    /// One transaction.
    func commit() {
        number += 1
        // Few of them change most of the time.
        let isGap = random.chance(250)
        switch random.below(100) {
        case _ where table.isEmpty: fallthrough
        case 0..<12: create(isGap: isGap)
        case 12..<22: change(isGap ? .gapDelete : .delete, one(where: { !$0.isDeleted })) { $0.isDeleted = true }
        case 22..<30: change(isGap ? .gapUndelete : .undelete, one(where: \.isDeleted)) { $0.isDeleted = false }
        case 30..<34: overflow()
        default: change(isGap ? .gapUpdate : .update, some()) { _ in }
        }
    }

    private func one(where isFit: (Record) -> Bool) -> [Int] {
        let fit = table.indices.filter { isFit(table[$0]) }
        return fit.isEmpty ? [] : [random.pick(fit)]
    }

    private func some() -> [Int] {
        let alive = table.indices.suffix(8).filter { !table[$0].isDeleted }
        return Array(alive.shuffled(using: &random).prefix(random.pick([1, 1, 1, 2, 3]))).sorted()
    }

    private func create(isGap: Bool) {
        table.append(Record(number: number, modified: org.wall, committed: org.wall - 1, created: org.wall))
        change(isGap ? .gapCreate : .create, [table.count - 1]) { _ in }
    }

    private func change(_ type: SampleEvents.Change, _ records: [Int], _ body: (inout Record) -> Void) {
        guard !records.isEmpty else { return }
        write(records, body)
        for record in records { table[record].isTold = true }
        let isGap = type.rawValue > SampleEvents.Change.undelete.rawValue
        if isGap { org.faults.note("gap event that is read back") }
        publish(type, records.map(Self.id), isGap || type == .delete ? nil : Double(number))
    }

    /// Too many changes for events: one stands for all of them.
    private func overflow() {
        org.faults.note("overflow event")
        for _ in 0..<random.within(1...4) {
            let isDelete = random.chance(200)
            let records = some()
            write(records) { record in
                record.isDeleted = isDelete
                record.isTold = true
            }
            org.machine.trace.note(org.machine.now, "untold change", "\(isDelete ? "delete" : "update") \(records) \(number)")
            number += 1
        }
        publish(.gapOverflow, ["000000000000000AAA"], nil)
    }

    private func write(_ records: [Int], _ body: (inout Record) -> Void) {
        let lead = random.milliseconds(0...1_500)
        for record in records {
            // Nobody else writes a record meanwhile: it is locked.
            table[record].modified = max(org.wall - lead, table[record].committed + 1)
            table[record].committed = org.wall
            table[record].number = number
            body(&table[record])
        }
    }

    private func publish(_ type: SampleEvents.Change, _ ids: [String], _ number: Double?) {
        let commitTime = org.wall
        org.machine.trace.note(org.machine.now, "change", "\(type) \(ids.joined(separator: " ")) \(self.number)")
        let payload = { (version: Int) in
            SampleEvents.payload(
                type, of: Self.entity, records: ids, number: number, transaction: "state-\(commitTime)",
                commitTime: commitTime, version: version)
        }
        publishedUntil = max(publishedUntil, org.machine.now + random.milliseconds(0...Self.longestLag))
        org.machine.at(publishedUntil) { [org] in org.publish(payload, of: Self.topic, commitTime: commitTime) }
    }

    // MARK: REST

    /// Nil for what is not about these records.
    func answer(_ request: HTTPRequest) -> HTTPResponse? {
        let path = request.path
        if path.contains("/sobjects/\(Self.entity)/describe") { return .json(Self.description) }
        if path.contains("/composite/sobjects/\(Self.entity)") { return retrieved(request.body) }
        if path.contains("/jobs/query") { return bulk.answer(request, count: table.count, read: cells) }
        guard path.contains("/query"), path.contains(Self.entity) else { return nil }
        return queried(SOQLText(path))
    }

    private func queried(_ soql: SOQLText) -> HTTPResponse {
        let found = table.indices.filter { record in
            table[record].isDeleted == soql.wantsDeleted && Self.id(record) > soql.after
                && (soql.ids.map { $0.contains(Self.id(record)) } ?? true) && shown(table[record].modified) >= soql.since
        }
        guard !soql.counts else {
            return .json(#"{"totalSize":1,"done":true,"records":[{"expr0":\#(found.count)}]}"#)
        }
        let rows = found.prefix(soql.limit).map(row)
        return .json(#"{"totalSize":\#(rows.count),"done":true,"records":[\#(rows.joined(separator: ","))]}"#)
    }

    private func retrieved(_ body: [UInt8]) -> HTTPResponse {
        let ids = String(decoding: body, as: UTF8.self).split(separator: "\"").filter { $0.hasPrefix("a1S") }
        let rows = ids.map { id in
            Self.record(String(id)).flatMap { table[$0].isDeleted ? nil : row($0) } ?? "null"
        }
        return .json("[\(rows.joined(separator: ","))]")
    }

    private func row(_ record: Int) -> String {
        """
        {"attributes":{"type":"\(Self.entity)"},"Id":"\(Self.id(record))","Number__c":\(table[record].number).0,\
        "CreatedDate":"\(Timestamp.rfc3339(shown(table[record].created)))",\
        "SystemModstamp":"\(Timestamp.rfc3339(shown(table[record].modified)))"}
        """
    }

    private func cells(_ record: Int, _ soql: SOQLText) -> [String: String]? {
        guard !table[record].isDeleted, shown(table[record].modified) >= soql.since else { return nil }
        return [
            "Id": Self.id(record), "Number__c": "\(table[record].number).0",
            "CreatedDate": Timestamp.rfc3339(shown(table[record].created)),
            "SystemModstamp": Timestamp.rfc3339(shown(table[record].modified)),
        ]
    }

    private func shown(_ time: Int64) -> Int64 { cutsSeconds ? time / 1000 * 1000 : time }

    private static let description = """
        {"name":"State__c","label":"State","keyPrefix":"a1S","queryable":true,"fields":[
        {"name":"Id","type":"id","label":"Id"},{"name":"Number__c","type":"double","label":"Number"},
        {"name":"IsDeleted","type":"boolean","label":"Deleted"},
        {"name":"CreatedDate","type":"datetime","label":"Created"},
        {"name":"SystemModstamp","type":"datetime","label":"Modified"}]}
        """
}
