/// Reading the rules again. Needs a daemon: without one there is nothing to reload.
package enum ReloadRoutes {
    package static func make(_ loader: RulesLoader) -> [ControlRoute] {
        [
            ControlRoute("rules.reload") { (_: EmptyRequest) async throws(ControlError) -> ReloadAnswer in
                guard let answer = await loader.reload() else {
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
