import ArgumentParser
import ECAREvaluation

/// `--metrics fid,is`.
struct MetricsOption: ExpressibleByArgument {
    static let all = Metric.allCases.map(\.rawValue).joined(separator: ", ")

    let values: [Metric]

    init?(argument: String) {
        let names = argument.split(separator: ",", omittingEmptySubsequences: false)
        values = names.compactMap { Metric(rawValue: String($0)) }
        guard values.count == names.count, Set(values).count == values.count else { return nil }
    }

    /// The metrics that are asked for, or all that can be measured.
    ///
    /// - Throws: `CommandError` saying why one that is asked for cannot be.
    static func chosen(
        _ option: MetricsOption?, _ network: EvaluationNetwork, _ subject: EvaluationSubject,
        _ reference: ReferenceOptions.Survey
    ) throws -> [Metric] {
        func reason(_ metric: Metric) -> String? {
            guard network.metrics.contains(metric) else { return "the network does not give it" }
            switch metric.need {
            case .nothing: return nil
            case .labels: return network.reasonNotToKnow(subject)
            case .statistics, .spatialStatistics, .pictures:
                if reference.content.contains(metric.need) { return nil }
                return reference.url == nil
                    ? "--reference is missing"
                    : metric.need == .pictures
                        ? "the reference holds no pictures"
                        : "the reference has no statistics of spatial features (mu_s and sigma_s)"
            }
        }
        if let wanted = option?.values {
            for metric in wanted {
                guard let reason = reason(metric) else { continue }
                throw CommandError.usage("--metrics \(metric.rawValue): \(reason)")
            }
            return wanted
        }
        return network.metrics.filter { reason($0) == nil }
    }
}
