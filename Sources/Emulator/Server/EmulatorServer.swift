import Logging

/// A local Salesforce, FlowMate and integrator.io.
///
/// Over HTTP, all at one address: `/services/oauth2/token` and `userinfo`; the REST API below
/// `/services/data/v62.0` (any version); FlowMate's users, flows, webhooks, tokens;
/// integrator.io's `/v1/…` with its listeners; `/hooks/{name}` for plain webhooks; and the emulator's own
/// `GET /emulator/received?after=&limit=&path=`, `DELETE /emulator/received`, `POST /emulator/publish` (one change or a
/// list) and `POST /emulator/step` (any script step). Over gRPC, at another port: the Pub/Sub API.
package enum EmulatorServer {
    /// Starts everything and returns once both ports listen.
    ///
    /// - Throws: `EmulatorError` for a script that cannot be read or a port that is taken; nothing runs then.
    package static func start(
        _ options: EmulatorOptions, logger: Logger
    ) async throws(EmulatorError) -> EmulatorHandle {
        var script: Script?
        if let path = options.script { script = try Script.load(path: path) }
        let service = PubSubService(
            org: org(options), limits: limits(options), clock: options.clock, logger: logger)
        let targets = EmulatorTargets(
            flowMate: FlowMateModel(token: options.flowMateToken),
            integrator: IntegratorModel(token: options.integratorToken), only: options.only, seed: options.seed,
            clock: options.clock)
        let feed = FeedRunner(seed: options.seed, service: service, clock: options.clock)
        let runner = ScriptRunner(
            service: service, targets: targets, feed: feed, clock: options.clock, logger: logger)
        let isSalesforce = options.only.contains(.salesforce)
        let front = HTTPFront(
            service: isSalesforce ? service : nil, targets: targets, runner: runner, sleep: options.clock.sleep)

        let http = try await HTTPListener.start(front, port: options.httpPort)
        await service.setInstanceURL("http://127.0.0.1:\(http.port)")
        var grpc: PubSubListener?
        do throws(EmulatorError) {
            if isSalesforce { grpc = try await PubSubListener.bind(port: options.grpcPort, service: service) }
        } catch {
            await http.stop()
            throw error
        }
        let background = background(options, script: script, feed: feed, runner: runner)
        return EmulatorHandle(
            http: http, grpc: grpc, service: service, targets: targets, runner: runner, feed: background.feed,
            script: background.script)
    }

    private static func background(
        _ options: EmulatorOptions, script: Script?, feed: FeedRunner, runner: ScriptRunner
    ) -> (feed: Task<Void, Never>, script: Task<Void, any Error>) {
        (
            Task { if options.rate > 0, options.only.contains(.salesforce) { await feed.run(rate: options.rate) } },
            Task { if let script { try await runner.run(script, file: options.script ?? "") } }
        )
    }

    private static func org(_ options: EmulatorOptions) -> EmulatedOrg {
        let access = OrgAccess(
            clientID: options.clientID, clientSecret: options.clientSecret, organizationID: options.organizationID,
            fixedToken: options.accessToken)
        let retention = TopicLog.Limits(retentionMilliseconds: options.retention.components.seconds * 1000)
        return EmulatedOrg(
            access: access, seed: options.seed, now: options.clock.wall(), retention: retention,
            forbidden: options.forbiddenTopics)
    }

    private static func limits(_ options: EmulatorOptions) -> SubscriptionState.Limits {
        SubscriptionState.Limits(zeroCredit: options.zeroCredit, keepalive: options.keepalive)
    }
}
