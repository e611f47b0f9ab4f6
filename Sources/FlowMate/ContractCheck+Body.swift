import Events

extension ContractCheck {
    /// Checks the body of a delivery as it is stored: `{"data": …}`.
    ///
    /// - Returns: the body to send, byte for byte the given one unless keys are dropped.
    package func check(body: [UInt8], against contract: FlowContract?) -> (body: [UInt8], result: Result) {
        guard mode != .off else { return (body, Result(data: .null)) }
        let result = check((try? JSONReader.parse(body))?["data"] ?? .null, against: contract)
        guard !result.dropped.isEmpty else { return (body, result) }
        var text = JSONText()
        text.value(.record(["data": result.data]))
        return (text.bytes, result)
    }
}
