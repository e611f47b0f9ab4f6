import Curl
import Events

/// Everything that the relay calls over HTTP, as one process of it reaches that.
struct SimulatedNetwork: HTTPClient {
    let receivers: Receivers
    let life: Life

    func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPResponse {
        let start = life.machine.now
        let course = receivers.course(of: request)
        let deadline = start + request.timeout.milliseconds
        // On its way there.
        try await pass(course.there, until: deadline, request, mayHaveBeenSent: false)
        if let failure = course.before { throw failure }
        let answer = receivers.act(on: request, course)
        // And back.
        try await pass(course.back, until: deadline, request, mayHaveBeenSent: true)
        if var failure = course.after {
            if failure.status != nil { failure.status = answer.status }
            if let status = failure.status, (200..<300).contains(status) { receivers.acknowledged(request) }
            throw failure
        }
        if (200..<300).contains(answer.status) { receivers.acknowledged(request) }
        return answer
    }

    /// - Parameter time: nil is for ever.
    private func pass(
        _ time: Int64?, until deadline: Int64, _ request: HTTPRequest, mayHaveBeenSent: Bool
    ) async throws(TransportError) {
        let arrival = time.map { life.machine.now + $0 } ?? .max
        do {
            try await life.sleep(until: min(arrival, deadline))
        } catch {
            throw TransportError(
                kind: .cancelled, target: "https://\(request.host)", reason: "cancelled", mayHaveBeenSent: true)
        }
        guard arrival > deadline else { return }
        throw TransportError(
            kind: .timeout, target: "https://\(request.host)", reason: "timed out", mayHaveBeenSent: mayHaveBeenSent)
    }
}

extension HTTPRequest {
    var host: String { String(url.dropFirst("https://".count).prefix { $0 != "/" }) }

    /// With its query.
    var path: String { String(url.dropFirst("https://".count).drop { $0 != "/" }) }
}

/// What happens to one request.
struct Course {
    /// Milliseconds until the receiver has it, and from then on until its answer is here; nil is never.
    var there: Int64?
    var back: Int64? = 0
    /// It does not get there.
    var before: TransportError?
    /// What the receiver answers in the place of its own, without acting.
    var refusal: HTTPResponse?
    /// The answer does not get here, although the receiver acted.
    var after: TransportError?
}
