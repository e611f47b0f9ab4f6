import Events
import FlowMate
import Rules

/// Whose flows are whose.
extension FlowFinder {
    /// Names that FlowMate did not know, as far as they are remembered.
    static let maximumStrangers = 10_000

    /// - Parameter received: when the event came that asks, epoch milliseconds.
    /// - Returns: those that have a webhook, active or not; empty when FlowMate has no such user, or not any more.
    package func flows(of owner: FlowOwner, received: Int64) async throws(FactFailure) -> [FlowFacts] {
        let name = owner.destination
        // By the clock that never jumps; an event of the future came just now.
        let asked = now - max(0, environment.clock.wall() - received)
        try await open(name)
        let isNew = entries[name]?.timer == nil
        // Without a timer nobody scanned yet; with one, what is known is new enough while a scan is under way.
        if isNew || entries[name]?.directory.isStale(at: now) ?? true { try await refresh(name) }
        if isNew { arm(name) }
        var resolution = resolve(owner)
        if case .unknownUser = resolution {
            // A user may be newer than the last scan.
            entries[name]?.directory.missed(at: now)
            let problem = try await refresh(name)
            resolution = resolve(owner)
            if case .unknownUser = resolution, !isStranger(owner, asked: asked) {
                throw FactFailure(
                    reason: problem ?? "\(name) had no user '\(owner.user)' when its users were read last, which was before",
                    isTemporary: true)
            }
        }
        switch resolution {
        case .flows(let flows): return flows.map(FlowFacts.init)
        case .unknownUser:
            nothing(owner, "it has no such user")
            return []
        case .userNotActive(let status):
            nothing(owner, "the user is \(status)")
            return []
        case .ambiguous(let ids):
            throw FactFailure(
                reason: "FlowMate has \(ids.count) users with that name (\(ids.joined(separator: ", "))); give each its own",
                isTemporary: false)
        case .notScanned: throw FactFailure(reason: "the flows of \(name) were not read yet", isTemporary: true)
        }
    }

    /// Whether FlowMate certainly has no such user: none when the event came; of one that it did not have then, none when its
    /// users were read last, unless that is long ago.
    private func isStranger(_ owner: FlowOwner, asked: Int64) -> Bool {
        guard let directory = entries[owner.destination]?.directory, let began = directory.scanBegan else { return false }
        if entries[owner.destination]?.strangers.contains(owner.user) == true, !directory.isStale(at: now) { return true }
        guard began >= asked else { return false }
        if entries[owner.destination]?.strangers.count ?? 0 >= Self.maximumStrangers {
            entries[owner.destination]?.strangers.removeAll()
        }
        entries[owner.destination]?.strangers.insert(owner.user)
        return true
    }

    /// A user that was never set up, or was switched off, looks like one whose flows want nothing.
    private func nothing(_ owner: FlowOwner, _ why: String) {
        say(
            .warning, once: "nobody \(owner.destination) \(owner.user) \(why)",
            "\(owner.destination): nothing goes to the flows of user '\(owner.user)': \(why)")
    }

    private func resolve(_ owner: FlowOwner) -> FlowResolution {
        entries[owner.destination]?.directory.resolve(user: owner.user, wanted: .all) ?? .notScanned
    }

    /// Scans if the directory says so. A directory that has something goes on with it when a scan fails.
    ///
    /// - Returns: why the scan failed; nil if it did not, or none was due.
    @discardableResult
    private func refresh(_ name: String) async throws(FactFailure) -> String? {
        guard let entry = entries[name] else { return nil }
        guard entry.scan != nil || entry.directory.next(at: now) == .scan else { return nil }
        let scan = entry.scan ?? Task { await scanned(name) }
        entries[name]?.scan = scan
        let problem = await scan.value
        if let problem, entries[name]?.directory.isEmpty ?? true {
            throw FactFailure(reason: problem, isTemporary: true)
        }
        return problem
    }

    /// - Returns: what went wrong; nil if nothing did.
    private func scanned(_ name: String) async -> String? {
        // Not the entry itself, whose directory would be copied to be changed.
        guard let (definition, client) = entries[name].map({ ($0.definition, $0.client) }) else { return nil }
        let began = now
        defer { if isStill(definition, name) { entries[name]?.scan = nil } }
        do throws(FlowMateError) {
            let (users, scan) = try await client.scan()
            guard isStill(definition, name),
                let changes = entries[name]?.directory.apply(users: users, scan: scan, began: began, at: now)
            else { return nil }
            if !changes.isEmpty {
                environment.logger.info(
                    """
                    flows of \(name): \(changes.appeared.count) new, \(changes.updated.count) changed, \
                    \(changes.gone.count) gone
                    """)
            }
            took(changes, name)
            return nil
        } catch {
            guard isStill(definition, name) else { return nil }
            entries[name]?.directory.failed(at: now)
            environment.logger.warning("cannot list the flows of \(name): \(error); it is tried again")
            return "cannot list the flows of \(name): \(error)"
        }
    }

    // MARK: The timer

    /// Scans when the next one is due, for as long as a rule asks for users of this destination.
    func arm(_ name: String) {
        guard let entry = entries[name] else { return }
        entry.timer?.cancel()
        let due: Int64 =
            switch entry.directory.next(at: now) {
            case .scan: now
            case .wait(let until): until
            }
        let clock = environment.clock
        entries[name]?.timer = Task { [weak self] in
            guard (try? await clock.sleep(untilUptime: due)) != nil else { return }
            await self?.fired(name)
        }
    }

    private func fired(_ name: String) async {
        let isAsked = rules.current.flowUses(of: name).contains { use in
            if case .fanOut = use.choice { true } else { false }
        }
        guard isAsked, (try? await open(name)) != nil else {
            entries[name]?.timer = nil
            return
        }
        _ = try? await refresh(name)
        guard !Task.isCancelled else { return }
        arm(name)
    }
}

extension FlowFacts {
    init(_ flow: FlowMateFlow) {
        self.init(
            // The webhook of one that starts holds its events until it has.
            id: flow.id, name: flow.name, isActive: flow.status == "active" || flow.status == "starting",
            inputParameters: flow.contract.map { contract in
                Fields(contract.inputs.map { Fields.Field(name: $0.name, value: .string($0.type)) })
            })
    }
}
