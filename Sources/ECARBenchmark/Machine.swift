import Foundation
import Torch

/// Where something was measured.
public struct Machine: Codable, Sendable, Equatable {
    public var processor: String
    public var cores: Int
    /// That the work was shared among.
    public var threads: Int
    public var memoryBytes: Int
    public var os: String
    public var libtorch: String
    public var device: String
    public var peak: MachinePeak

    /// This machine, its peak not yet measured.
    public static func current(device: Device) -> Machine {
        let process = ProcessInfo.processInfo
        return Machine(
            processor: processorName, cores: process.activeProcessorCount, threads: Runtime.threads,
            memoryBytes: Int(clamping: process.physicalMemory), os: process.operatingSystemVersionString,
            libtorch: Runtime.version, device: device.description, peak: MachinePeak())
    }

    /// "2 cores of AMD EPYC, 25 GB, …"
    public var summary: String {
        let gigabytes = String(format: "%.0f GB", Double(memoryBytes) / 1e9)
        let threads = threads == 1 ? "1 thread" : "\(threads) threads"
        let cores = cores == 1 ? "1 core" : "\(cores) cores"
        return "\(threads) on \(cores) of \(processor), \(gigabytes), \(os), libtorch \(libtorch), device \(device)"
    }

    private static var processorName: String {
        #if os(Linux)
            let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
            let line = info.split(separator: "\n").first { $0.hasPrefix("model name") }
            let name = line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
            return name ?? "unknown processor"
        #else
            var size = 0
            sysctlbyname("machdep.cpu.brand_string", nil, &size, nil, 0)
            var bytes = [UInt8](repeating: 0, count: size)
            guard sysctlbyname("machdep.cpu.brand_string", &bytes, &size, nil, 0) == 0 else {
                return "unknown processor"
            }
            return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        #endif
    }
}

/// The memory of this process and of its machine.
public enum ProcessMemory {
    /// The most bytes of memory that this process has had at a time; nil where the system does not say.
    public static var peak: Int? {
        #if os(Linux)
            // Not getrusage: its figure begins with that of the parent.
            return kilobytes("VmHWM", in: "/proc/self/status")
        #else
            var usage = rusage()
            return getrusage(RUSAGE_SELF, &usage) == 0 ? Int(usage.ru_maxrss) : nil
        #endif
    }

    /// Begins a new ``peak``, from what is in memory now.
    ///
    /// - Returns: False where the system cannot: the peak then stays that of the whole process.
    public static func startPeakAnew() -> Bool {
        #if os(Linux)
            guard let file = fopen("/proc/self/clear_refs", "w") else { return false }
            let isWritten = fputs("5", file) >= 0
            return fclose(file) == 0 && isWritten
        #else
            return false
        #endif
    }

    /// The bytes that further processes may take; nil where the system does not say.
    public static var available: Int? {
        #if os(Linux)
            let machine = kilobytes("MemAvailable", in: "/proc/meminfo")
            let group = "/sys/fs/cgroup/memory"
            let limits = number(group + ".max").flatMap { most in number(group + ".current").map { most - $0 } }
            return [machine, limits].compactMap { $0 }.min()
        #else
            return nil
        #endif
    }

    private static func kilobytes(_ name: String, in file: String) -> Int? {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("\(name):") })
        else { return nil }
        return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
            .map { $0 * 1024 }
    }

    private static func number(_ file: String) -> Int? {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return nil }
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
