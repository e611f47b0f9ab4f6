extension RelayService {
    /// What a running relay answers about itself.
    package nonisolated var routes: [ControlRoute] {
        allRoutes.map {
            $0.refused(
                by: stopGate, underWay: { [outbox] in await outbox.status().inFlight }, monitor.time)
        }
    }

    private nonisolated var allRoutes: [ControlRoute] {
        [.ping] + StatusRoutes.make(statusSource) + ReloadRoutes.make(loader, reload: { [self] in await reload() })
            + DestinationRoutes.make(
                outbox,
                reload: { [loader] in
                    _ = await loader.reload()
                    return loader.secretsProblem
                },
                recheck: { [loader] name in
                    for watch in await loader.watches { await watch.checkNow(name) }
                })
            + EventRoutes.make(
                store: store, rules: { [rules] in rules.current }, recent: monitor.recent,
                write: { [outbox] in await outbox.flushIfPossible() }, time: monitor.time)
            + DeadLetterRoutes.make(
                store: store, outbox: outbox, orgs: replayOrgs, rules: rules, version: version, time: monitor.time)
            + ReplayRoutes.make(store: store, orgs: replayOrgs, rules: rules, service: replays, time: monitor.time)
            + BackfillRoutes.make(
                store: store, topics: topics, rules: rules, service: backfills, time: monitor.time)
            + CursorRoutes.make(
                store: store, orgs: replayOrgs, outbox: outbox, topics: topicSwitch, start: { [starts] in starts[$0] },
                time: monitor.time)
    }

    package nonisolated var streams: [ControlStream] {
        TapRoutes.make(
            monitor.taps,
            subjects: { [topics, rules] in
                let rules = rules.current
                return TapSubjects(
                    topics: topics.map(\.topic), rules: rules.ruleIDs, destinations: Array(rules.destinations.keys))
            }, shown: { [rules] in rules.current.shownRecord(of: $0) })
    }

    package nonisolated var console: RelayConsole {
        RelayConsole(
            source: statusSource, meters: { [monitor] in monitor.destinations },
            labels: { [rules] in rules.current.labels })
    }

    private nonisolated var statusSource: StatusSource {
        StatusSource(store: store, time: monitor.time, replays: replays) {
            [monitor, outbox, loader, version, topics, flows, stopGate] in
            LiveStatus(
                version: version, dispatch: await outbox.status(), rules: await loader.status, monitor: monitor,
                topics: topics, platforms: await loader.platforms(flows.tally), stopsBy: stopGate.endsBy)
        }
    }
}
