/// What a stream owes its client now.
enum StreamStep<Response> {
    case respond(Response)
    /// The stream is reset without trailers, as the real server does with one that had no credit for too long.
    case close
    case fail(PubSubFailure)

    func map<Other>(_ transform: (Response) -> Other) -> StreamStep<Other> {
        switch self {
        case .respond(let response): .respond(transform(response))
        case .close: .close
        case .fail(let failure): .fail(failure)
        }
    }
}

extension StreamStep: Equatable where Response: Equatable {}
extension StreamStep: Sendable where Response: Sendable {}
