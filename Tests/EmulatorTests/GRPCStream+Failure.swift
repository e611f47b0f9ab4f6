import GRPC

extension GRPCStream {
    /// How the stream fails, after whatever it still gives; nil if it ends well.
    func failure() async -> GRPCError? {
        do throws(GRPCError) {
            while try await next() != nil {}
            return nil
        } catch {
            return error
        }
    }
}
