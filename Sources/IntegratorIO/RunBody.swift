import Events

/// The body of `POST /flows/{id}/run`.
///
/// Celigo does not document how a window is passed; two shapes are in use, so it is a setting.
package struct RunBody: Sendable, Equatable {
    package enum Shape: String, Sendable, CaseIterable {
        /// `{"export":{"startDate":…,"endDate":…}}`
        case nested
        /// `{"startDate":…,"endDate":…}`
        case topLevel
        /// No window: the flow goes by its own last run.
        case none
    }

    /// Epoch milliseconds.
    package var from: Int64
    package var until: Int64
    /// Sources to run; empty means all.
    package var exports: [String]

    package init(from: Int64, until: Int64, exports: [String] = []) {
        self.from = from
        self.until = until
        self.exports = exports
    }

    package func bytes(_ shape: Shape) -> [UInt8] {
        var json = JSONText()
        json.raw("{")
        switch shape {
        case .nested:
            json.raw("\"export\":{")
            dates(&json)
            json.raw("}")
        case .topLevel: dates(&json)
        case .none: break
        }
        if !exports.isEmpty {
            if shape != .none { json.raw(",") }
            json.raw("\"_exportIds\":")
            json.value(.list(exports.map(Value.string)))
        }
        json.raw("}")
        return json.bytes
    }

    private func dates(_ json: inout JSONText) {
        json.raw("\"startDate\":")
        json.string(ISOTime.text(from))
        json.raw(",\"endDate\":")
        json.string(ISOTime.text(until))
    }
}
