/// Images that are being made.
struct RunningBatch: Sendable {
    struct Row: Sendable {
        let job: JobID
        /// The image of that job, from 0.
        let index: Int
    }

    let key: BatchKey
    var rows: [Row]
    /// The stage that is on the way, from 0, and the steps of it that are taken.
    var stage: Int
    var step = 0

    init(_ batch: JobQueue.Batch) {
        key = batch.key
        rows = batch.portions.flatMap { portion in portion.images.map { Row(job: portion.job, index: $0) } }
        stage = batch.key.stages.lowerBound
    }
}
