/// What a studio takes on and holds on to, so that no crowd of clients can exhaust the machine.
package struct Limits: Sendable, Equatable {
    /// Images that are made at once.
    package let batch: Int
    /// Images of a job; never more than may wait.
    package let images: Int
    /// Steps of all stages together.
    package let steps: Int
    /// Images that wait, of all clients together…
    package let queuedImages: Int
    /// …and of each.
    package let queuedImagesPerClient: Int
    /// Bytes of pictures and states of finished jobs. The job that finished last is kept however large it is.
    package let keptBytes: Int
    /// How long finished jobs are kept at most.
    package let keptFor: Duration
    /// How long a job may take where its request says nothing else.
    package let timeLimit: Duration

    /// Numbers below 1 count as 1.
    package init(
        batch: Int = 32, images: Int = 64, steps: Int = 1000, queuedImages: Int = 512,
        queuedImagesPerClient: Int = 256, keptBytes: Int = 256 << 20, keptFor: Duration = .seconds(15 * 60),
        timeLimit: Duration = .seconds(120)
    ) {
        self.batch = max(1, batch)
        self.steps = max(1, steps)
        self.queuedImages = max(1, queuedImages)
        self.queuedImagesPerClient = max(1, min(queuedImagesPerClient, queuedImages))
        self.images = max(1, min(images, queuedImagesPerClient, queuedImages))
        (self.keptBytes, self.keptFor, self.timeLimit) = (keptBytes, keptFor, timeLimit)
    }
}
