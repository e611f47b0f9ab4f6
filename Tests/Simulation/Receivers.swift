import Curl
import Events
import IntegratorIO

/// The receivers and the HTTP side of Salesforce: what each is like at the moment, and what it does with a request.
///
/// Unchecked: see `Machine`.
final class Receivers: @unchecked Sendable {
    /// What a receiver, or the way to it, is like for a time.
    enum Mood: String, CaseIterable {
        case refused = "receiver refuses connections"
        case unknownHost = "DNS fails"
        case tlsFails = "TLS handshake fails"
        case badCertificate = "certificate expired"
        case resetBefore = "reset before the receiver acted"
        case resetAfter = "reset after the receiver acted"
        case halfAnswer = "half an answer"
        case closedAfter200 = "closed after 200"
        case hangsBefore = "receiver hangs"
        case hangsAfter = "receiver acts and hangs"
        case slow = "receiver slow"
        case tooMany = "429"
        case tooManySeconds = "429 with Retry-After in seconds"
        case tooManyDate = "429 with Retry-After as a date"
        case internalError = "500"
        case badGateway = "502"
        case unavailable = "503"
        case unavailableAsked = "503 with Retry-After"
        case gatewayTimeout = "504"
        case unauthorized = "401"
        case forbidden = "403"
        case missing = "404"
        case gone = "410"
        case moved = "3xx"
        case conflict = "409"
    }

    /// In every world.
    static let hosts = ["hook.sim", "slow.sim", "flow.sim", "listener.sim", "io.sim"]

    let machine: Machine
    let truth: Truth
    let faults: Faults
    let org: SimulatedOrg
    let integrator: SimulatedIntegrator
    /// In worlds with records: what answers for them, and what became of them here.
    let records: SimulatedRecords?
    let recordTruth: RecordTruth?
    private let answersReads: Bool
    private var random: SeededRandom
    private var moods: [String: Mood] = [:]
    /// Of a thousand requests, those that meet something by themselves.
    var misfortune = 25

    init(seed: UInt64, scope: Scope, org: SimulatedOrg, records: SimulatedRecords?) {
        answersReads = scope.reads
        self.records = records
        recordTruth = records.map { [truth = org.truth] _ in RecordTruth(truth) }
        machine = org.machine
        truth = org.truth
        faults = org.faults
        self.org = org
        random = SeededRandom(seed: seed ^ 0x7265_6376)
        integrator = SimulatedIntegrator(seed: seed, org: org)
    }

    // MARK: Moods

    /// FlowMate answers 409 and 410 only to calls that can never succeed; integrator.io's API has answers of its own.
    static func moods(of host: String) -> [Mood] {
        Mood.allCases.filter { mood in
            switch (host, mood) {
            case ("flow.sim", .conflict), ("flow.sim", .gone), ("listener.sim", .conflict), ("listener.sim", .gone): false
            // What is parked there leaves a record behind.
            case ("state.sim", .conflict), ("state.sim", .gone), ("state.sim", .missing), ("state.sim", .moved),
                ("state.sim", .forbidden), ("state.sim", .unauthorized): false
            case ("io.sim", .conflict), ("io.sim", .gone), ("io.sim", .missing), ("io.sim", .moved): false
            default: true
            }
        }
    }

    /// Destinations that said they are gone, which an operator has to undo.
    private(set) var gone: Set<String> = []

    func set(_ mood: Mood?, of host: String) {
        if mood == .gone { gone.insert(String(host.prefix { $0 != "." })) }
        moods[host] = mood
        if let mood { faults.note(mood.rawValue) }
    }

    func healAll() {
        moods = [:]
        misfortune = 0
    }

    // MARK: Requests

    func course(of request: HTTPRequest) -> Course {
        let host = request.host
        var course = Course(there: random.milliseconds(1...60), back: random.milliseconds(1...120))
        if host == "acme.my.salesforce.com" { return salesforce(request, course) }
        var mood = moods[host]
        if mood == nil, random.chance(misfortune) {
            mood = random.pick([
                .refused, .resetBefore, .resetAfter, .halfAnswer, .closedAfter200, .unavailable, .slow, .tooMany,
                .hangsAfter, .internalError,
            ])
            faults.note("\(mood!.rawValue), once")
        }
        if let mood { meet(mood, host, &course) }
        return course
    }

    private func meet(_ mood: Mood, _ host: String, _ course: inout Course) {
        func broken(_ kind: TransportError.Kind, sent: Bool, status: Int? = nil) -> TransportError {
            TransportError(
                kind: kind, target: "https://\(host)", reason: mood.rawValue, mayHaveBeenSent: sent, status: status)
        }
        func refuse(_ status: Int, _ headers: [HTTPRequest.Header] = []) {
            course.refusal = HTTPResponse(status: status, headers: headers, body: Array("no".utf8))
        }
        switch mood {
        case .refused: course.before = broken(.connect, sent: false)
        case .unknownHost: course.before = broken(.resolve, sent: false)
        case .tlsFails: course.before = broken(.tls, sent: false)
        case .badCertificate: course.before = broken(.certificate, sent: false)
        case .resetBefore: course.before = broken(.reset, sent: true)
        case .resetAfter: course.after = broken(.reset, sent: true)
        case .halfAnswer: course.after = broken(.other, sent: true)
        case .closedAfter200: course.after = broken(.reset, sent: true, status: 200)
        case .hangsBefore: course.there = nil
        case .hangsAfter: course.back = nil
        case .slow: course.back = random.milliseconds(500...12_000)
        case .tooMany: refuse(429)
        case .tooManySeconds: refuse(429, [.init("Retry-After", "\(random.within(1...240))")])
        case .tooManyDate: refuse(429, [.init("Retry-After", httpDate(org.wall + random.milliseconds(1_000...200_000)))])
        case .internalError: refuse(500)
        case .badGateway: refuse(502)
        case .unavailable: refuse(503)
        case .unavailableAsked: refuse(503, [.init("Retry-After", "\(random.within(1...120))")])
        case .gatewayTimeout: refuse(504)
        case .unauthorized: refuse(401)
        case .forbidden: refuse(403)
        case .missing: refuse(404)
        case .gone: refuse(410)
        case .moved: refuse(302, [.init("Location", "https://login.sim")])
        case .conflict: refuse(409)
        }
    }

    /// The receiver has it, and does what it does.
    func act(on request: HTTPRequest, _ course: Course) -> HTTPResponse {
        machine.trace.note(
            machine.now, "request",
            "\(request.method) \(request.url) \(String(decoding: request.body.prefix(80), as: UTF8.self))")
        if let refusal = course.refusal { return refusal }
        switch request.host {
        case "acme.my.salesforce.com": return org.answer(request, self)
        case "state.sim":
            recordTruth?.acted(request)
            return HTTPResponse(status: 204)
        case "io.sim": return integrator.answer(request)
        case "flow.sim" where request.method == "GET": return FannedFlows.answer(request.path)
        default: break
        }
        let wanted = Body.wanted(request.body)
        if wanted.isEmpty { truth.problem("a body that nobody can read went to \(request.host)") }
        if let poisoned = wanted.first(where: isPoison), wanted.count == 1 {
            faults.note("delivery that its receiver refuses for ever")
            return HTTPResponse(status: poisoned.rule.count % 2 == 0 ? 400 : 422, body: Array("bad".utf8))
        }
        act(on: request, wanted)
        guard request.host == "flow.sim" else { return HTTPResponse(status: 204) }
        let id = request.value(of: "x-request-id") ?? ""
        return .json(#"{"data":{"requestId":"\#(id)","message":"thank you"}}"#)
    }

    private func act(on request: HTTPRequest, _ wanted: [Wanted]) {
        let id = request.value(of: "webhook-id") ?? ""
        let replay = request.value(of: ReplayedDelivery.header)
        if ReplayedDelivery.replay(ofDelivery: id) != replay {
            truth.problem("\(request.host) got \(id), and a header that names \(replay ?? "no replay")")
        }
        if replay == nil, Body.saysReplayed(request.body) == true {
            truth.problem("\(wanted[0].key) says that it is replayed, and is not")
        }
        for one in wanted {
            if one.rule.hasPrefix("fan:"), FannedFlows.rule(of: String(request.path.suffix(24))) != one.rule {
                truth.problem("\(one.key) went to \(request.path)")
            }
            if one.rule != "batch" { truth.replays.named(id, one, truth) }
            truth.acted(one, replay: replay, body: request.body)
        }
    }

    /// The relay knows that it was taken.
    func acknowledged(_ request: HTTPRequest) {
        guard request.method == "POST", !["acme.my.salesforce.com", "io.sim"].contains(request.host) else { return }
        let replay = request.value(of: ReplayedDelivery.header)
        for wanted in Body.wanted(request.body) { truth.acknowledged(wanted, replay: replay) }
    }

    /// Always the same ones.
    func isPoison(_ wanted: Wanted) -> Bool {
        // One that stands until its rule is mended would stand for ever.
        !["batch", "mended"].contains(wanted.rule) && wanted.event.utf8.reduce(wanted.rule.utf8.count) { ($0 &* 31 &+ Int($1)) % 10_007 } % 40 == 0
    }

    // MARK: Salesforce

    func read(_ request: HTTPRequest) -> HTTPResponse? { answersReads ? SimulatedReads.answer(request, truth) : nil }

    /// Somebody else is writing the record.
    func isLocked() -> Bool { random.chance(3 * misfortune) }

    private func salesforce(_ request: HTTPRequest, _ course: Course) -> Course {
        var course = course
        guard request.path.hasPrefix("/services/oauth2") else {
            return rest(request, course)
        }
        if faults.isOn(.tokenDown) { meet(.refused, request.host, &course) }
        if faults.isOn(.tokenFails) { meet(.internalError, request.host, &course) }
        if faults.isOn(.tokenSlow) { course.back = random.milliseconds(2_000...40_000) }
        if faults.isOn(.tokenRefused) {
            course.refusal = .json(#"{"error":"invalid_client","error_description":"invalid client credentials"}"#, status: 400)
        }
        return course
    }

    private func rest(_ request: HTTPRequest, _ course: Course) -> Course {
        var course = course
        if faults.isOn(.restDown) { meet(.refused, request.host, &course) }
        if faults.isOn(.restLost) { meet(.resetAfter, request.host, &course) }
        if faults.isOn(.restSlow) { course.back = random.milliseconds(1_000...50_000) }
        func refuse(_ code: String, _ words: String, _ status: Int) {
            course.refusal = .json(#"[{"errorCode":"\#(code)","message":"\#(words)"}]"#, status: status)
        }
        if faults.isOn(.restBusy) { refuse("SERVER_UNAVAILABLE", "too busy", 503) }
        if faults.isOn(.restLimit) {
            let isDaily = random.chance(300)
            refuse(
                "REQUEST_LIMIT_EXCEEDED", isDaily ? "TotalRequests Limit exceeded." : "ConcurrentRequests Limit exceeded.", 403)
        }
        guard records != nil || request.method == "PATCH" || answersReads, random.chance(misfortune) else { return course }
        let mood = random.pick([.refused, .resetAfter, .halfAnswer, .unavailable, .slow, .hangsAfter] as [Mood])
        faults.note("REST: \(mood.rawValue), once")
        meet(mood, request.host, &course)
        return course
    }

    private func httpDate(_ milliseconds: Int64) -> String {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let text = Array(Timestamp.rfc3339(milliseconds))
        let month = months[(Int(String(text[5...6])) ?? 1) - 1]
        return "Sun, \(String(text[8...9])) \(month) \(String(text[0...3])) \(String(text[11...18])) GMT"
    }
}

extension HTTPRequest {
    /// Of the first header with this name.
    func value(of name: String) -> String? { headers.first { $0.name == name }?.value }
}

extension HTTPResponse {
    static func json(_ text: String, status: Int = 200) -> HTTPResponse { HTTPResponse(status: status, body: Array(text.utf8)) }
}

extension SimulatedOrg {
    /// Tokens, and what REST is asked for.
    func answer(_ request: HTTPRequest, _ receivers: Receivers) -> HTTPResponse {
        if request.path.hasPrefix("/services/oauth2/token") {
            return .json(
                #"{"access_token":"\#(token)","instance_url":"\#(Self.instance)","#
                    + #""id":"https://login.salesforce.com/id/\#(Self.id)/005000000000001AAA","scope":"api"}"#)
        }
        if request.path.hasPrefix("/services/oauth2/introspect") {
            return .json(#"{"active":true,"exp":\#(wall / 1000 + 7_200)}"#)
        }
        if request.value(of: "Authorization") != "Bearer \(token)" {
            faults.note("REST refuses the session")
            return .json(#"[{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}]"#, status: 401)
        }
        if let answer = receivers.records?.answer(request) ?? receivers.written(request) ?? receivers.read(request) {
            return answer
        }
        if request.path.contains("/limits") {
            return .json(#"{"DailyDeliveredPlatformEvents":{"Max":50000,"Remaining":49000}}"#)
        }
        return .json(#"[{"errorCode":"NOT_FOUND","message":"nothing here"}]"#, status: 404)
    }
}
