internal import CCurl

/// Starts exchanges as connections are free, and ends each one exactly once.
@IOThread
final class ExchangeTable {
    private var limiter: ConnectionLimiter<Exchange>
    /// One pool for each set of options. There are few, and comparing them costs less than hashing.
    private var idle: [(options: ConnectionOptions, transfers: [Transfer])] = []
    private var idleCount = 0
    private let maximumIdle: Int

    nonisolated init(limits: CurlClient.Limits) {
        limiter = ConnectionLimiter(limits: limits)
        maximumIdle = limits.connections
    }

    func start(_ exchange: Exchange, resuming continuation: Exchange.Continuation) {
        exchange.continuation = continuation
        guard !exchange.isCancelled.load(ordering: .relaxed) else {
            return resume(exchange, .failure(exchange.request.failure(.cancelled, "cancelled")))
        }
        let timeout = exchange.request.request.timeout
        exchange.deadline = IOThread.schedule(after: timeout) {
            self.giveUp(exchange, .timeout, "no complete answer within \(timeout)")
        }
        switch limiter.admit(exchange, to: exchange.request.target) {
        case .start: transfer(exchange)
        case .wait: break
        case .refuse:
            let reason = "too many requests wait for a connection (\(limiter.limits.waiting))"
            resume(exchange, .failure(exchange.request.failure(.other, reason)))
        }
    }

    /// Does nothing once the exchange has its result.
    func giveUp(_ exchange: Exchange, _ kind: TransportError.Kind, _ reason: String) {
        guard exchange.continuation != nil else { return }
        var error = exchange.request.failure(kind, reason)
        if let transfer = exchange.transfer {
            IOLoop.shared.remove(transfer.handle.easy.pointer)
            (error.mayHaveBeenSent, error.status) = transfer.progress
            release(exchange, transfer)
        } else {
            limiter.cancelWaiting(to: exchange.request.target) { $0 === exchange }
        }
        resume(exchange, .failure(error))
    }

    private func transfer(_ exchange: Exchange) {
        let transfer = takeTransfer(for: exchange.request.request.connection)
        exchange.transfer = transfer
        transfer.prepare(exchange.request)
        IOLoop.shared.add(transfer.handle.easy.pointer) { code in
            IOLoop.shared.remove(transfer.handle.easy.pointer)
            let result = transfer.result(code, of: exchange.request)
            self.release(exchange, transfer)
            self.resume(exchange, result)
        }
    }

    private func resume(_ exchange: Exchange, _ result: Result<HTTPResponse, TransportError>) {
        if let deadline = exchange.deadline { IOThread.cancel(deadline) }
        let continuation = exchange.continuation
        exchange.continuation = nil
        continuation?.resume(returning: result)
    }

    private func release(_ exchange: Exchange, _ transfer: Transfer) {
        exchange.transfer = nil
        transfer.forgetRequest()
        if idleCount < maximumIdle {
            if let pool = pool(of: transfer.options) {
                idle[pool].transfers.append(transfer)
            } else {
                idle.append((transfer.options, [transfer]))
            }
            idleCount += 1
        }
        for next in limiter.finished(to: exchange.request.target) { self.transfer(next) }
    }

    private func takeTransfer(for options: ConnectionOptions) -> Transfer {
        guard let pool = pool(of: options), let transfer = idle[pool].transfers.popLast() else {
            return Transfer(options: options)
        }
        idleCount -= 1
        return transfer
    }

    private func pool(of options: ConnectionOptions) -> Int? { idle.firstIndex { $0.options == options } }
}
