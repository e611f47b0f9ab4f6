import Events
import Synchronization

/// Numbers the names of fields that expressions select, so that at run time a field is found by index and not by name.
///
/// One numbering for the process: rule sets come and go, names stay few. Beyond the limit names are looked up as text.
final class MemberNumbers: Sendable {
    static let shared = MemberNumbers()
    static let limit = 20_000

    private let numbers = Mutex<[String: Int]>([:])

    /// - Returns: -1 when no further name is numbered.
    func number(of name: String) -> Int {
        numbers.withLock { numbers in
            if let number = numbers[name] { return number }
            guard numbers.count < Self.limit else { return -1 }
            numbers[name] = numbers.count
            return numbers.count - 1
        }
    }
}
