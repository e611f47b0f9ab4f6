import Events
import Hummingbird
import NIOCore

/// Carries HTTP requests to the emulated services and their answers back. What an answer says is decided elsewhere.
struct HTTPFront: Sendable {
    /// Nil when no Salesforce is emulated.
    let service: PubSubService?
    let targets: EmulatorTargets
    let runner: ScriptRunner
    /// Waits as long as an answer asks for.
    let sleep: @Sendable (Duration) async throws -> Void

    func respond(to request: Request) async throws -> Response {
        let method = request.method.rawValue
        guard let body = try await Self.body(of: request) else {
            return Self.response(.error(413, "request entity too large"))
        }
        let target = TargetRequest(
            method: method, path: FormText.decode(request.uri.path, plusIsSpace: false),
            query: FormText.parse(request.uri.query ?? ""), headers: Self.headers(of: request), body: body)
        let answer = await answer(target)
        if answer.delay > .zero { try await sleep(answer.delay) }
        return Self.response(answer)
    }

    private func answer(_ request: TargetRequest) async -> HTTPAnswer {
        switch (request.method, request.path) {
        case (_, let path) where path.hasPrefix("/services/") && service == nil:
            .error(404, "No Salesforce is emulated here.")
        case (_, let path) where path.hasPrefix("/services/oauth2/"): await service?.oauth(request) ?? .error(404, "")
        case ("GET", "/services/data"): TokenEndpoint.apiVersions
        case (_, let path) where path.hasPrefix("/services/data/"): await service?.rest(request) ?? .error(404, "")
        case (_, "/emulator/received"), (_, "/emulator/publish"), (_, "/emulator/step"): await control(request)
        default: await targets.answer(request)
        }
    }

    /// The emulator's own routes.
    private func control(_ request: TargetRequest) async -> HTTPAnswer {
        switch (request.method, request.path) {
        case ("GET", "/emulator/received"):
            return await targets.receivedJSON(
                after: Int(request.query["after"] ?? "") ?? 0, limit: Int(request.query["limit"] ?? "") ?? 1000,
                path: request.query["path"])
        case ("DELETE", "/emulator/received"):
            await targets.clearReceived()
            return HTTPAnswer(status: 204)
        case ("POST", "/emulator/publish"):
            return await perform(request.body) { value throws(ScriptProblem) in
                .publish(try ScriptStep.changes(value))
            }
        case ("POST", "/emulator/step"):
            return await perform(request.body) { value throws(ScriptProblem) in try ScriptStep(value) }
        default: return .error(405, "\(request.path) does not take \(request.method).")
        }
    }

    private func perform(
        _ body: [UInt8], _ read: (Value) throws(ScriptProblem) -> ScriptStep
    ) async -> HTTPAnswer {
        let step: ScriptStep
        do { step = try read(try JSONReader.parse(body)) } catch { return .error(400, "\(error)") }
        do { try await runner.perform(step) } catch { return .error(400, "\(error)") }
        return HTTPAnswer(status: 204)
    }

    /// Nil when it is too long for any target.
    private static func body(of request: Request) async throws -> [UInt8]? {
        do {
            let buffer = try await request.body.collect(upTo: FlowMateModel.maximumBodyBytes)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            return nil
        }
    }

    private static func headers(of request: Request) -> [String: String] {
        var headers: [String: String] = [:]
        for field in request.headers { headers[field.name.canonicalName] = field.value }
        return headers
    }

    private static func response(_ answer: HTTPAnswer) -> Response {
        var headers = HTTPFields()
        for header in answer.headers {
            guard let name = HTTPFields.Element.Name(header.name) else { continue }
            headers[name] = header.value
        }
        return Response(
            status: .init(code: answer.status), headers: headers,
            body: answer.body.isEmpty ? .init() : .init(byteBuffer: ByteBuffer(bytes: answer.body)))
    }
}
