import NIOCore

/// Closes the connection of a client that has stopped reading what it asked for.
///
/// Hummingbird closes connections on which no request comes; one whose answer is not read would stay, and hold on to a place
/// among the connections and to the answer.
final class StalledWriteHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny
    typealias InboundOut = NIOAny

    private let patience: TimeAmount
    private var deadline: Scheduled<Void>?

    /// - Parameter patience: How long nothing may be taken of an answer that waits.
    init(patience: TimeAmount) { self.patience = patience }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
        if !context.channel.isWritable {
            let channel = context.channel
            deadline = context.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }
}
