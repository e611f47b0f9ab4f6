import Crypto
import Events
import FoundationEssentials
import Glibc
import Synchronization

/// A refresh token in a file, sealed with AES-256-GCM. Replaced as a whole, readable by its owner only.
package final class TokenFile: GrantStore {
    static let maximumBytes = 64 << 10
    static let lockPatience: Duration = .seconds(60)
    private static let mark = "sluice-token-1"

    package let path: String
    private let name: String
    private let key: Credentials.Source
    /// What could not be written: a rotated token must not be lost because a disk is full for a moment.
    private let unsaved = Mutex<StoredGrant?>(nil)

    /// - Parameters:
    ///   - name: of the org, bound to the content: a file of another org is not taken.
    ///   - key: 32 bytes as base64 or hex.
    package init(path: String, name: String, key: @escaping Credentials.Source) {
        self.path = path
        self.name = name
        self.key = key
    }

    package func load() throws(SetupError) -> StoredGrant? {
        if let grant = unsaved.withLock({ $0 }) {
            try save(grant)
            return grant
        }
        guard let bytes = try PrivateFile.read(path, maximumBytes: Self.maximumBytes) else { return nil }
        return try StoredGrant(opened(bytes), path: path)
    }

    package func save(_ grant: StoredGrant) throws(SetupError) {
        unsaved.withLock { $0 = grant }
        try PrivateFile.replace(path, with: sealed(grant.json))
        unsaved.withLock { $0 = nil }
    }

    package func remove() throws(SetupError) {
        unsaved.withLock { $0 = nil }
        guard unlink(path) != 0, errno != ENOENT else { return }
        throw SetupError("cannot remove \(path): \(PrivateFile.reason())", fix: "Remove it by hand: it holds a token.")
    }

    package func lock(_ time: TimeSource) async throws(SignInError) -> any GrantLock {
        let descriptor = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let reason = PrivateFile.reason()
            throw .setup(SetupError("cannot open \(path).lock: \(reason)", fix: "Make its folder writable."))
        }
        let lock = FileLock(descriptor)
        let end = time.monotonic() + Self.lockPatience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard time.monotonic() < end else {
                throw .unreachable("another process has held \(path).lock for a minute")
            }
            do { try await time.sleep(.milliseconds(50)) } catch { throw .cancelled }
        }
        return lock
    }

    // MARK: Sealing

    private func sealed(_ content: [UInt8]) throws(SetupError) -> [UInt8] {
        let key = try symmetricKey()
        guard let box = try? AES.GCM.seal(content, using: key, authenticating: bound), let sealed = box.combined else {
            preconditionFailure("AES-GCM seals any content under a key of 32 bytes")
        }
        return Array("\(Self.mark) \(Base64.encode([UInt8](sealed)))\n".utf8)
    }

    private func opened(_ bytes: [UInt8]) throws(SetupError) -> [UInt8] {
        let key = try symmetricKey()
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 2, words[0] == Self.mark, let sealed = Base64.decode(String(words[1])),
            let box = try? AES.GCM.SealedBox(combined: sealed),
            let content = try? AES.GCM.open(box, using: key, authenticating: bound)
        else {
            throw SetupError(
                "\(path) cannot be opened: the key is another one, the file is of another org, or it was changed",
                fix: "Restore the key, or run `sluice salesforce login` again.")
        }
        return [UInt8](content)
    }

    /// What is not secret, and must not be exchanged either.
    private var bound: [UInt8] { Array("\(Self.mark):\(name)".utf8) }

    private func symmetricKey() throws(SetupError) -> SymmetricKey {
        let text: String
        do {
            text = try key().exposed
        } catch {
            throw SetupError("\(error)", fix: "Mend tokenKey's reference in sluice.yaml.")
        }
        guard let bytes = Hex.decode(text) ?? Base64.decode(text), bytes.count == 32 else {
            throw SetupError(
                "tokenKey is not 32 bytes in base64 or hex", fix: "Make one with `openssl rand -base64 32`.")
        }
        return SymmetricKey(data: bytes)
    }
}

/// Let go of when released, and by the kernel when the process ends.
private final class FileLock: GrantLock {
    private let descriptor: Mutex<Int32?>

    init(_ descriptor: Int32) { self.descriptor = Mutex(descriptor) }

    deinit { release() }

    func release() {
        descriptor.withLock { descriptor in
            if let open = descriptor { close(open) }
            descriptor = nil
        }
    }
}

extension StoredGrant {
    fileprivate var json: [UInt8] {
        var text = JSONText()
        text.value(
            .record([
                "refreshToken": .string(refreshToken.exposed), "instanceUrl": .string(instanceURL),
                "scope": .string(scope), "obtainedAt": .int(obtainedAt),
                "refreshStartedAt": refreshStartedAt.map(Value.int) ?? .null,
            ]))
        return text.bytes
    }

    fileprivate init(_ json: [UInt8], path: String) throws(SetupError) {
        guard case .record(let fields)? = try? JSONReader.parse(json),
            case .string(let token)? = fields["refreshToken"],
            case .string(let instance)? = fields["instanceUrl"], case .string(let scope)? = fields["scope"],
            case .int(let obtainedAt)? = fields["obtainedAt"]
        else {
            throw SetupError("\(path) holds no token", fix: "Run `sluice salesforce login` again.")
        }
        var startedAt: Int64?
        if case .int(let time)? = fields["refreshStartedAt"] { startedAt = time }
        self.init(
            refreshToken: Secret(token), instanceURL: instance, scope: scope, obtainedAt: obtainedAt,
            refreshStartedAt: startedAt)
    }
}
