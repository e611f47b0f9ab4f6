internal import CCurl
import Glibc

/// Opens libcurl's sockets, and refuses connections to addresses that a request may not go to. libcurl asks once names
/// are resolved, before it connects, and again before it sends over a connection that it kept: a name that changes its
/// answer gains nothing.
final class AddressGuard {
    private let options: ConnectionOptions
    private var scope: AddressScope { options.addresses }
    /// libcurl connects to a proxy: its address is the operator's choice, and says nothing of where the request goes.
    private var isProxied = false
    /// The last address that was refused for the request in hand.
    private(set) var refused: IPAddress?
    /// The request in hand has its connection, and may be on its way.
    private(set) var isSending = false
    /// The text of the last address that was allowed, with its closing zero.
    private var allowed: [CChar] = []

    init(_ options: ConnectionOptions) {
        self.options = options
    }

    /// - Parameter easy: keeps a pointer to this guard for as long as both live.
    func watch(_ easy: borrowing EasyHandle) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        easy.set(CURLOPT_OPENSOCKETDATA, pointer: context)
        sluice_setopt_open_socket(easy.pointer, Self.openSocket)
        sluice_setopt_close_socket(easy.pointer, Self.closeSocket)
        easy.set(CURLOPT_PREREQDATA, pointer: context)
        sluice_setopt_before_request(easy.pointer, Self.beforeRequest)
    }

    private var isAskedAtAll: Bool { options.addresses != .all }
    private var isAsked: Bool { isAskedAtAll && !isProxied }

    func begin(_ place: RequestPlace) {
        isProxied = isAskedAtAll && ProxyChoice.environment.isProxied(place, options)
        refused = nil
        isSending = false
    }

    /// An address that stands in the URL, which no proxy is given either.
    static func refusal(of place: RequestPlace, _ options: ConnectionOptions) -> IPAddress? {
        guard options.addresses != .all, let address = place.address else { return nil }
        return options.addresses.allows(address) ? nil : address
    }

    static func reason(_ address: IPAddress) -> String {
        "its address \(address) is \(address.place.rawValue), and is not called unless allowPrivate: true says so"
    }

    private func allows(_ address: IPAddress?) -> Bool {
        // What is neither IPv4 nor IPv6 is no place for a webhook.
        guard let address, !scope.allows(address) else { return address != nil }
        refused = address
        return false
    }

    private static let openSocket: sluice_open_socket_callback = { context, _, address in
        guard let context, let address else { return CURL_SOCKET_BAD }
        let watcher = Unmanaged<AddressGuard>.fromOpaque(context).takeUnretainedValue()
        guard !watcher.isAsked || watcher.allows(AddressGuard.address(address)) else { return CURL_SOCKET_BAD }
        let socket = Glibc.socket(
            address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
        if socket >= 0 { IOThread.assumeIsolated { IOLoop.shared.opened(socket) } }
        return socket
    }

    private static let closeSocket: sluice_close_socket_callback = { _, socket in
        IOThread.assumeIsolated { IOLoop.shared.close(socket) }
        return 0
    }

    private static let beforeRequest: sluice_before_request_callback = { context, primary, _, _, _ in
        guard let context, let primary else { return CURL_PREREQFUNC_ABORT }
        let watcher = Unmanaged<AddressGuard>.fromOpaque(context).takeUnretainedValue()
        guard !watcher.isAsked || watcher.allowsAgain(primary) else { return CURL_PREREQFUNC_ABORT }
        watcher.isSending = true
        return CURL_PREREQFUNC_OK
    }

    /// - Parameter text: an address, most often the one that this handle's last request went to.
    private func allowsAgain(_ text: UnsafePointer<CChar>) -> Bool {
        let isKnown = allowed.withUnsafeBufferPointer { $0.baseAddress.map { strcmp($0, text) == 0 } ?? false }
        if isKnown { return true }
        guard allows(IPAddress(host: String(cString: text))) else { return false }
        allowed = Array(UnsafeBufferPointer(start: text, count: strlen(text) + 1))
        return true
    }

    private static func address(_ given: UnsafeMutablePointer<curl_sockaddr>) -> IPAddress? {
        // A `sockaddr_storage` is as large as any; libcurl keeps one there.
        let raw = UnsafeRawPointer(given).advanced(by: MemoryLayout<curl_sockaddr>.offset(of: \.addr)!)
        switch given.pointee.family {
        case AF_INET:
            return IPAddress(bytes: withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in.self).sin_addr) { Array($0) })
        case AF_INET6:
            return IPAddress(bytes: withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr) { Array($0) })
        default: return nil
        }
    }
}
