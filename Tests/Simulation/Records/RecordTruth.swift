import Curl
import Events

/// What a receiver knows of records. It ignores a delivery that comes again, by its ID, as receivers are told to do.
///
/// Unchecked: see `Machine`.
final class RecordTruth: @unchecked Sendable {
    struct State {
        var number: Int
        var isDeleted: Bool
    }

    private let truth: Truth
    private(set) var states: [String: State] = [:]
    private var known: Set<String> = []

    init(_ truth: Truth) { self.truth = truth }

    func acted(_ request: HTTPRequest) {
        // A replay hands over what is old, as it is asked to.
        guard request.value(of: ReplayedDelivery.header) == nil else { return }
        guard case .record(let fields)? = try? JSONReader.parse(request.body), case .string(let id)? = fields["s"],
            case .string(let change)? = fields["c"], let delivery = request.value(of: "webhook-id")
        else { return truth.problem("a record that nobody can read went to \(request.host)") }
        guard known.insert(delivery).inserted else { return }
        let before = states[id] ?? State(number: -1, isDeleted: false)
        guard change != "delete" else {
            states[id] = State(number: before.number, isDeleted: true)
            return
        }
        let number: Int? = switch fields["n"] {
        case .double(let number)?: Int(number)
        case .int(let number)?: Int(number)
        default: nil
        }
        guard let number else { return truth.problem("\(id): a \(change) came without its number") }
        if number < before.number || (before.isDeleted && number <= before.number) {
            truth.problem("\(id) is older than what its receiver has: \(number) (\(change)) after \(before.words)")
        }
        states[id] = State(number: number, isDeleted: false)
    }

    /// In the end it is as in Salesforce.
    ///
    /// - Parameter isBackfilled: every record was read.
    func check(_ records: SimulatedRecords, isBackfilled: Bool) {
        for (index, record) in records.table.enumerated() {
            let id = SimulatedRecords.id(index)
            let state = states[id]
            if record.isDeleted {
                if let state, !state.isDeleted { truth.problem("\(id) is deleted, and its receiver has \(state.words)") }
            } else if record.isTold || isBackfilled {
                guard state?.number != record.number || state?.isDeleted != false else { continue }
                truth.problem("\(id) has number \(record.number), and its receiver has \(state?.words ?? "nothing")")
            }
        }
    }
}

extension RecordTruth.State {
    fileprivate var words: String { "\(number)\(isDeleted ? ", deleted" : "")" }
}
