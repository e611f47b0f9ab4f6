import NIOCore
import NIOPosix

/// Accepts connections for `PubSubService` on the loopback interface: HTTP/2 with prior knowledge, no TLS.
struct PubSubListener: Sendable {
    private let server: any Channel
    let port: Int

    /// - Parameter port: 0 for any free one.
    static func bind(port: Int, service: PubSubService) async throws(EmulatorError) -> PubSubListener {
        do {
            let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelInitializer { channel in
                    let (input, continuation) = AsyncStream<[UInt8]>.makeStream()
                    return channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(InputHandler(continuation))
                        Task { await serve(channel, input, service) }
                    }
                }
                .bind(host: "127.0.0.1", port: port).get()
            return PubSubListener(server: server, port: server.localAddress?.port ?? port)
        } catch {
            throw .listening("gRPC", port: port, error)
        }
    }

    /// Accepts no more. Open connections are the service's to close.
    func stop() async { try? await server.close() }

    /// Until either side has had enough.
    private static func serve(_ channel: any Channel, _ input: AsyncStream<[UInt8]>, _ service: PubSubService) async {
        let (output, continuation) = AsyncStream<[UInt8]>.makeStream()
        if let id = await service.open(continuation) {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await write(output, to: channel) }
                group.addTask {
                    for await bytes in input { await service.receive(bytes, from: id) }
                }
                await group.next()
                group.cancelAll()
            }
            await service.closed(id)
        }
        try? await channel.close()
    }

    /// One write at a time, so that a slow client slows the stream and not the memory.
    private static func write(_ output: AsyncStream<[UInt8]>, to channel: any Channel) async {
        for await bytes in output {
            do { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) } catch { return }
        }
    }
}

/// Passes what a socket gives to an async stream. What waits there is bounded by HTTP/2's flow control.
private final class InputHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let input: AsyncStream<[UInt8]>.Continuation

    init(_ input: AsyncStream<[UInt8]>.Continuation) { self.input = input }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        input.yield(Array(unwrapInboundIn(data).readableBytesView))
    }

    func channelInactive(context: ChannelHandlerContext) {
        input.finish()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
