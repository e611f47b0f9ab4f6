import Store

/// A request without anything in it.
package struct EmptyRequest: Codable, Sendable {
    package init() {}
}

/// How the relay is.
package enum StatusRoutes {
    package static func make(_ source: StatusSource) -> [ControlRoute] {
        [
            ControlRoute("status") { (_: EmptyRequest) async throws(ControlError) -> StatusReport in
                do throws(StoreError) {
                    return try await source.report()
                } catch {
                    throw ControlError(.environment, "\(error)")
                }
            }
        ]
    }
}
