import ECARPictures
import Foundation

#if canImport(Darwin)
    import Darwin
#endif

/// What Prometheus reads (text format 0.0.4).
struct MetricsText {
    private(set) var lines = ""

    init(_ counts: Counts, requests: [(key: RequestMetrics.Key, count: Int)], model: ServedModel) {
        add("ecar_info", .gauge, "Which program serves which model.") {
            [(["version": programVersion, "model": model.name, "digest": model.digest], 1)]
        }
        add("ecar_jobs", .gauge, "Jobs by what they do now.") {
            [
                (["state": "waiting"], Double(counts.jobsWaiting)), (["state": "running"], Double(counts.jobsRunning)),
                (["state": "kept"], Double(counts.jobsKept)),
            ]
        }
        add("ecar_images", .gauge, "Images of unfinished jobs.") {
            [
                (["state": "waiting"], Double(counts.imagesWaiting)),
                (["state": "running"], Double(counts.imagesRunning)),
            ]
        }
        add("ecar_kept_bytes", .gauge, "Pictures and states of finished jobs.") { [([:], Double(counts.bytesKept))] }
        add("ecar_jobs_total", .counter, "Jobs by how they ended; rejected ones never began.") {
            [
                (["outcome": "done"], Double(counts.jobsDone)), (["outcome": "failed"], Double(counts.jobsFailed)),
                (["outcome": "cancelled"], Double(counts.jobsCancelled)),
                (["outcome": "rejected"], Double(counts.jobsRejected)),
            ]
        }
        add("ecar_images_total", .counter, "Images made.") { [([:], Double(counts.images))] }
        add("ecar_batches_total", .counter, "Batches begun.") { [([:], Double(counts.batches))] }
        add("ecar_batched_images_total", .counter, "Images that batches began with.") {
            [([:], Double(counts.batchedImages))]
        }
        add("ecar_step_seconds", "Time of one step of a batch, with the pictures made after it.", counts.stepSeconds)
        add("ecar_http_requests_total", .counter, "Requests by address, method and status.") {
            requests.map { key, count in
                (["route": key.route, "method": key.method, "status": String(key.status)], Double(count))
            }
        }
        if let bytes = Self.residentBytes {
            add("process_resident_memory_bytes", .gauge, "Memory in use.") { [([:], Double(bytes))] }
        }
    }

    private enum Kind: String { case gauge, counter, histogram }

    private mutating func add(
        _ name: String, _ kind: Kind, _ help: String, _ values: () -> [(labels: [String: String], value: Double)]
    ) {
        head(name, kind, help)
        for (labels, value) in values() { line(name, labels, value) }
    }

    private mutating func add(_ name: String, _ help: String, _ histogram: Histogram) {
        head(name, .histogram, help)
        var seen = 0
        for (index, count) in histogram.counts.enumerated() {
            seen += count
            let bound = index < histogram.bounds.count ? Self.number(histogram.bounds[index]) : "+Inf"
            line(name + "_bucket", ["le": bound], Double(seen))
        }
        line(name + "_sum", [:], histogram.sum)
        line(name + "_count", [:], Double(histogram.count))
    }

    private mutating func head(_ name: String, _ kind: Kind, _ help: String) {
        lines += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    private mutating func line(_ name: String, _ labels: [String: String], _ value: Double) {
        let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
        lines += name + (pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}") + " \(Self.number(value))\n"
    }

    /// Whole numbers without their ".0".
    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    /// The memory of this process that is in use, where the system tells.
    private static var residentBytes: Int? {
        #if canImport(Darwin)
            var info = mach_task_basic_info()
            var count = mach_msg_type_number_t(MemoryLayout<mach_task_basic_info>.size / MemoryLayout<natural_t>.size)
            let result = withUnsafeMutablePointer(to: &info) { pointer in
                pointer.withMemoryRebound(to: integer_t.self, capacity: Int(count)) {
                    task_info(mach_task_self_, task_flavor_t(MACH_TASK_BASIC_INFO), $0, &count)
                }
            }
            return result == KERN_SUCCESS ? Int(info.resident_size) : nil
        #else
            // Its second number is the resident pages.
            guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
            let fields = text.split(separator: " ")
            return fields.count > 1 ? Int(fields[1]).map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) } : nil
        #endif
    }
}
