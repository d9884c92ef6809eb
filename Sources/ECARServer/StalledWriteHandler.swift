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
        if !context.channel.isWritable { watch(context.channel, left: .max) }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    /// Closes the channel if no less waits after a while than does now; a slow client is given another while.
    private func watch(_ channel: any Channel, left: Int) {
        deadline = channel.eventLoop.assumeIsolated().scheduleTask(in: patience) { [self] in
            let now = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? left
            if now < left { watch(channel, left: now) } else { channel.close(promise: nil) }
        }
    }
}
