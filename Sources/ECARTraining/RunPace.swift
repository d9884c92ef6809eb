/// How far a run is, how fast, and how long it will take, all from its log.
struct RunPace {
    let step: Int
    let steps: Int
    /// Pictures trained on, repetitions counted.
    let images: Double
    let epochs: Double
    /// Time so far, pauses left out.
    let seconds: Double
    /// Over the newest fifth of the log, samples and checkpoints included; nil before anything is known.
    let imagesPerSecond: Double?
    /// At that rate; nil at the end too.
    let secondsLeft: Double?

    private static let fewestEntries = 20

    init(_ configuration: TrainingConfiguration, pictures: Int, entries: [LogEntry]) {
        step = max(0, entries.last?.step ?? 0)
        steps = configuration.steps
        images = Double(step) * Double(configuration.batchSize)
        epochs = pictures > 0 ? images / Double(pictures) : 0
        seconds = entries.last?.seconds ?? 0
        let window = max(Self.fewestEntries, entries.count / 5)
        let since = entries.count > window ? entries[entries.count - 1 - window] : nil
        let elapsed = seconds - (since?.seconds ?? 0)
        let taken = Double(step) - Double(since?.step ?? 0)
        let rate = taken > 0 && elapsed > 0 ? taken / elapsed : nil
        imagesPerSecond = rate.map { $0 * Double(configuration.batchSize) }
        let left = Double(steps) - Double(step)
        secondsLeft = rate.flatMap { left > 0 ? left / $0 : nil }
    }

    /// 0 … 1
    var fraction: Double { steps > 0 ? min(max(Double(step) / Double(steps), 0), 1) : 1 }
}
