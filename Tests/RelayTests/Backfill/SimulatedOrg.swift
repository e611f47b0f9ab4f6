import Avro
import Curl
import Events
import Salesforce
import SalesforceREST
import Synchronization
import TestSupport

@testable import Relay

/// An org of `Sample__c` records that change, as REST shows them and as its stream tells of them. Every change of a record
/// gives it the next number, which stands in `Name`; the last number is what everybody has to end with.
final class SimulatedOrg: Sendable {
    struct Record {
        var number = 0
        /// Epoch milliseconds; written before the commit.
        var modified: Int64
        var committed: Int64
        var created: Int64
        var isDeleted = false
    }

    struct Change: Sendable {
        var record: Int
        var number: Int
        var type: Int64
        var committed: Int64
    }

    private struct State {
        var records: [Record]
        var stream: [Change] = []
        var queries: [String] = []
        var faults = 0
        var failsPages = false
        /// Without the field that tells which records are deleted, as User is.
        var tellsDeleted = true
        /// What is described, and refused by queries once it has gone.
        var more: String?
        var gone: String?
        /// Longer pages time out.
        var longestPage = Int.max
        var bulk = SimulatedBulk()
    }

    private let state: Mutex<State>
    let time: ManualTime
    /// Times in answers are cut to seconds, as those of most objects are.
    let cutsSeconds: Bool
    /// By how much Salesforce's clock is ahead of ours, milliseconds.
    let ahead: Int64

    init(records: Int, time: ManualTime, cutsSeconds: Bool = true, ahead: Int64 = 0) {
        self.time = time
        self.cutsSeconds = cutsSeconds
        self.ahead = ahead
        let old = time.source.wall() - 86_400_000
        state = Mutex(State(records: (0..<records).map { _ in Record(modified: old, committed: old, created: old) }))
    }

    private var wall: Int64 { time.source.wall() + ahead }

    var records: [Record] { state.withLock { $0.records } }
    var stream: [Change] { state.withLock { $0.stream } }
    var queries: [String] { state.withLock { $0.queries } }

    var bulkJobs: Int { state.withLock { $0.bulk.started } }

    /// Salesforce forgets the jobs that it has, and refuses new ones if it is to.
    func loseBulkJobs(refusing: Bool = false) {
        state.withLock {
            $0.bulk.jobs = [:]
            $0.bulk.isRefused = refusing
        }
    }

    /// So many of the next calls fail.
    func fail(_ count: Int) { state.withLock { $0.faults = count } }

    /// Pages of records cannot be read meanwhile; everything else can.
    func failPages(_ fails: Bool) { state.withLock { $0.failsPages = fails } }

    /// Queries of more records than this time out.
    func timeOut(above count: Int) { state.withLock { $0.longestPage = count } }

    /// The object has no `IsDeleted`.
    func hideDeleted() { state.withLock { $0.tellsDeleted = false } }

    /// The object has a text field of that name, until it is removed.
    func add(field: String) { state.withLock { $0.more = field } }

    func removeField() {
        state.withLock { state in
            state.gone = state.more
            state.more = nil
        }
    }

    static func id(_ record: Int) -> String { "a0" + String(String(100_000_000_000_0 + record).dropFirst()) + "AAA" }

    static func record(_ id: String) -> Int? { Int(id.dropFirst(2).dropLast(3)) }

    // MARK: Changes

    /// - Parameters:
    ///   - lead: how long before its commit the change is written.
    ///   - isTold: whether an event tells of it.
    ///   - isGap: the event tells only that there was a change.
    func change(_ record: Int, lead: Int64 = 0, isTold: Bool = true, isGap: Bool = false) {
        commit(record, type: isGap ? 5 : 1, lead, isTold) { _ in }
    }

    func delete(_ record: Int, isTold: Bool = true, isGap: Bool = false) {
        commit(record, type: isGap ? 6 : 2, 0, isTold) { $0.isDeleted = true }
    }

    func create(isTold: Bool = true, isGap: Bool = false) {
        let now = wall
        let record = state.withLock { state in
            state.records.append(Record(number: -1, modified: now, committed: now - 1, created: now))
            return state.records.count - 1
        }
        commit(record, type: isGap ? 4 : 0, 0, isTold) { _ in }
    }

    /// More changes in one transaction than Salesforce tells of.
    func overflow() {
        let now = wall
        state.withLock { $0.stream.append(Change(record: -1, number: 0, type: 8, committed: now)) }
    }

    private func commit(_ record: Int, type: Int64, _ lead: Int64, _ isTold: Bool, _ body: (inout Record) -> Void) {
        let now = wall
        state.withLock { state in
            guard !state.records[record].isDeleted else { return }
            // Whoever writes second waits for the first one's commit.
            let committed = max(now, state.records[record].committed + 1)
            state.records[record].number += 1
            state.records[record].modified = max(committed - lead, state.records[record].committed + 1)
            state.records[record].committed = committed
            body(&state.records[record])
            guard isTold else { return }
            state.stream.append(
                Change(record: record, number: state.records[record].number, type: type, committed: committed))
        }
    }

    // MARK: The stream

    func event(_ index: Int, schemaID: String) -> ConsumerEvent {
        let change = stream[index]
        let id = change.record < 0 ? "000000000000000AAA" : Self.id(change.record)
        var bytes: [UInt8] = Self.string("Sample__c") + Self.long(1) + Self.string(id) + [0] + Self.long(change.type)
        bytes += Self.string("") + Self.string("t\(index)") + Self.long(1) + Self.long(change.committed)
        bytes += Self.long(7) + Self.string("005") + [0, 0, 0]
        bytes += change.type < 2 ? Self.long(1) + Self.string("\(change.number)") : [0]
        return ConsumerEvent(id: "e\(index)", schemaID: schemaID, replayID: Make.replayID(index + 1), payload: bytes)
    }

    private static func string(_ text: String) -> [UInt8] { long(Int64(text.utf8.count)) + Array(text.utf8) }

    private static func long(_ value: Int64) -> [UInt8] {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    // MARK: REST

    func client() -> RESTClient {
        let authenticator = Authenticator { () async throws(SignInError) in
            Session(
                accessToken: Secret("token"), instanceURL: IngestBench.org.instanceURL,
                orgID: OrgID("00D000000000001EAA")!)
        }
        let http = ScriptedHTTP { [self] request throws(TransportError) in
            let response = answer(request)
            return HTTPResponse(
                status: response.status, headers: response.headers + [.init("Date", Salesforce.HTTPDate.text(wall))],
                body: response.body)
        }
        return RESTClient(authenticator: authenticator, http: http, time: time.source)
    }

    private func answer(_ request: HTTPRequest) -> HTTPResponse {
        let isFaulty = state.withLock { state in
            state.faults -= 1
            return state.faults >= 0
        }
        if isFaulty { return Self.json(#"[{"errorCode":"SERVER_UNAVAILABLE","message":"scripted"}]"#, 503) }
        if request.url.contains("/jobs/query") { return bulk(request) }
        if request.url.hasSuffix("/sobjects") { return Self.json(#"{"sobjects":[\#(description)]}"#) }
        if request.url.contains("/describe") {
            // Upper and lower case are one to Salesforce.
            guard request.url.lowercased().contains("/sample__c/") else {
                return Self.json(#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#, 404)
            }
            return Self.json(description)
        }
        if request.url.contains("/composite/") { return retrieved(String(decoding: request.body, as: UTF8.self)) }
        return queried(SOQLText(request.url))
    }

    private func queried(_ soql: SOQLText) -> HTTPResponse {
        let cuts = cutsSeconds
        return state.withLock { state in
            state.queries.append(soql.text)
            let unknown = [state.gone, state.tellsDeleted ? nil : "IsDeleted"].compactMap { $0 }
            if let name = unknown.first(where: soql.text.contains) {
                return Self.json(#"[{"errorCode":"INVALID_FIELD","message":"No such column '\#(name)'"}]"#, 400)
            }
            if state.failsPages, !soql.counts {
                return Self.json(#"[{"errorCode":"SERVER_UNAVAILABLE","message":"scripted"}]"#, 503)
            }
            let found = state.records.indices.filter { index in
                let record = state.records[index]
                return record.isDeleted == soql.wantsDeleted && Self.id(index) > soql.after
                    && (soql.ids.map { $0.contains(Self.id(index)) } ?? true)
                    && record.modified / 1000 * 1000 >= soql.since && (soql.parity.map { index % 2 == $0 } ?? true)
            }
            guard !soql.counts else {
                return Self.json(#"{"totalSize":1,"done":true,"records":[{"expr0":\#(found.count)}]}"#)
            }
            if soql.limit > state.longestPage {
                return Self.json(#"[{"errorCode":"QUERY_TIMEOUT","message":"scripted"}]"#, 400)
            }
            let rows = found.prefix(soql.limit).map { Self.row($0, state.records[$0], cuts) }
            return Self.json(#"{"totalSize":\#(rows.count),"done":true,"records":[\#(rows.joined(separator: ","))]}"#)
        }
    }

    private func retrieved(_ body: String) -> HTTPResponse {
        let ids = body.split(separator: "\"").filter { $0.hasSuffix("AAA") }
        let cuts = cutsSeconds
        return state.withLock { state in
            let rows = ids.map { id -> String in
                guard let index = Self.record(String(id)), !state.records[index].isDeleted else { return "null" }
                return Self.row(index, state.records[index], cuts)
            }
            return Self.json("[\(rows.joined(separator: ","))]")
        }
    }

    /// What a job finds is as old as the job.
    private func bulk(_ request: HTTPRequest) -> HTTPResponse {
        let cuts = cutsSeconds
        return state.withLock { state in
            let records = state.records
            return state.bulk.answer(request) { soql in
                let found = records.indices.filter {
                    !records[$0].isDeleted && records[$0].modified / 1000 * 1000 >= soql.since
                }
                return found.map {
                    let modified = cuts ? records[$0].modified / 1000 * 1000 : records[$0].modified
                    return [
                        Self.id($0), "\(records[$0].number)", Timestamp.rfc3339(records[$0].created),
                        Timestamp.rfc3339(modified),
                    ]
                }
            }
        }
    }

    private static func row(_ index: Int, _ record: Record, _ cuts: Bool) -> String {
        let modified = cuts ? record.modified / 1000 * 1000 : record.modified
        return """
            {"attributes":{"type":"Sample__c"},"Id":"\(id(index))","Name":"\(record.number)",\
            "CreatedDate":"\(Timestamp.rfc3339(record.created))","SystemModstamp":"\(Timestamp.rfc3339(modified))"}
            """
    }

    private static func json(_ text: String, _ status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, body: Array(text.utf8))
    }

    private var description: String {
        let (tellsDeleted, more) = state.withLock { ($0.tellsDeleted, $0.more) }
        let deleted = tellsDeleted ? #"{"name":"IsDeleted","type":"boolean","label":"Deleted"},"# : ""
        let added = more.map { #"{"name":"\#($0)","type":"string","label":"More"},"# } ?? ""
        return """
            {"name":"Sample__c","label":"Sample","keyPrefix":"a00","queryable":true,"fields":[
            {"name":"Id","type":"id","label":"Id"},{"name":"Name","type":"string","label":"Name"},\(deleted)\(added)
            {"name":"CreatedDate","type":"datetime","label":"Created"},
            {"name":"SystemModstamp","type":"datetime","label":"Modified"}]}
            """
    }
}
