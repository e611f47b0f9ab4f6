/// Reading the rules again. Needs a daemon: without one there is nothing to reload.
package enum ReloadRoutes {
    /// - Parameter reload: as `RulesLoader.reload`, and whatever else a reload does.
    package static func make(
        _ loader: RulesLoader, reload: @escaping @Sendable () async -> ReloadAnswer?
    ) -> [ControlRoute] {
        [
            ControlRoute("rules.reload", isChange: true) { (_: EmptyRequest) async throws(ControlError) -> ReloadAnswer in
                guard let answer = await reload() else {
                    throw ControlError(.failed, "this relay was started without rule files: it cannot reload them")
                }
                return answer
            },
            ControlRoute("rules.status") { (_: EmptyRequest) async throws(ControlError) -> RulesStatus in
                await loader.status
            },
            files(loader),
        ]
    }
}
