/// Answers that a target gives in place of its own.
package struct TargetFault: Sendable, Equatable {
    static let maximumTimes = 1_000_000

    /// An exact path, or a prefix that ends in `*`.
    package var path: String
    package var status: Int
    /// How many requests get it.
    package var times: Int
    /// Whole seconds, as a `Retry-After` header.
    package var retryAfter: Int?
    /// Empty for none.
    package var body: String
    package var contentType: String

    package init(
        path: String, status: Int, times: Int = 1, retryAfter: Int? = nil, body: String = "",
        contentType: String = "text/plain; charset=utf-8"
    ) {
        self.path = path
        self.status = status
        self.times = times
        self.retryAfter = retryAfter
        self.body = body
        self.contentType = contentType
    }

    func matches(_ path: String) -> Bool {
        self.path.hasSuffix("*") ? path.hasPrefix(self.path.dropLast()) : path == self.path
    }

    var answer: HTTPAnswer {
        var answer = HTTPAnswer(status: status, body: Array(body.utf8))
        if !body.isEmpty { answer.headers.append(.init(name: "content-type", value: contentType)) }
        if let retryAfter { answer.headers.append(.init(name: "retry-after", value: String(retryAfter))) }
        return answer
    }
}

/// The faults that wait, first come first used.
struct TargetFaults: Sendable {
    /// The oldest goes when there are more.
    static let maximum = 1000

    private var faults: [TargetFault] = []

    mutating func add(_ fault: TargetFault) {
        guard fault.times > 0 else { return }
        faults.append(fault)
        if faults.count > Self.maximum { faults.removeFirst() }
    }

    /// Uses up one time of the first fault for that path.
    mutating func take(_ path: String) -> HTTPAnswer? {
        guard let index = faults.firstIndex(where: { $0.matches(path) }) else { return nil }
        faults[index].times -= 1
        let answer = faults[index].answer
        if faults[index].times == 0 { faults.remove(at: index) }
        return answer
    }
}
