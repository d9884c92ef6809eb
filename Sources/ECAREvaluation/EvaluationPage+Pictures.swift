import ECARReports
import Foundation

/// The samples of the run that is shown, and what they resemble.
extension EvaluationPage {
    var samples: String {
        guard let all = shownPictures?.classes.filter({ !$0.samples.isEmpty }), !all.isEmpty else { return "" }
        let figures = all.map { entry in
            let images = entry.samples.map { $0.html("a sample" + (entry.name.map { " of \($0)" } ?? "")) }
            return sheet(entry.name, images)
        }
        let isWhole = all.count == 1
        let lead = isWhole ? "As they came." : "As they came, by the class that each was made for."
        return section(
            "Samples", lead,
            "<div class=\"card sheets\(isWhole ? " one" : "")\">\(figures.joined(separator: "\n"))</div>")
    }

    /// Pictures side by side, as small as if there were a few even where there are fewer.
    func sheet(_ title: String?, _ images: [String]) -> String {
        let caption = title.map { "<figcaption>\(escaped($0))</figcaption>" } ?? ""
        let count = max(images.count, EvaluationPictures.mostOfClass)
        return "<figure>\(caption)<div class=\"pictures\" style=\"--count:\(count)\">\(images.joined())</div></figure>"
    }

    // MARK: Neighbours

    var neighbours: String {
        guard let neighbours = shown?.neighbours else { return "" }
        let pairs = zip(neighbours.samples, shownPictures?.neighbourhoods ?? [])
        let cards = pairs.map { card($0, $1, usual: neighbours.amongReal) }
        let ratio = neighbours.medianRatio.map {
            " The median distance is <b>\(String(format: "%.2f", $0))</b> times that between the real pictures themselves."
        }
        let lead = """
            Does the model repeat what it has seen? Each sample is compared with <b>\(escaped(neighbours.set))</b>. \
            <b>\(ReportText.percent(neighbours.nearCopies))</b> of the samples are near-copies: at no \
            distance from a picture of that set, or nearer to one than 99 % of its pictures are to one another. New real \
            pictures would have about 1 %.\(ratio ?? "")
            """
        let grid = "<div class=\"neighbours\">\(cards.joined(separator: "\n"))</div>"
        return section(
            "Nearest neighbours", lead, distribution(neighbours) + (cards.isEmpty ? "" : "\n" + grid))
    }

    private func card(
        _ sample: EvaluationReport.Neighbours.Sample, _ pictures: EvaluationPictures.Neighbourhood,
        usual: EvaluationReport.Neighbours.Distances
    ) -> String {
        let nearest = zip(sample.nearest, pictures.nearest).map { neighbour, picture in
            let isCopy = usual.isNearCopy(neighbour.distance)
            let label = neighbour.label.map { "<br/>\(escaped($0))" } ?? ""
            return "<figure\(isCopy ? " class=\"copy\"" : "")>\(picture.html("neighbour \(neighbour.index)"))"
                + "<figcaption>\(ReportText.number(neighbour.distance))\(label)</figcaption></figure>"
        }
        let label = sample.label.map { "<br/>\(escaped($0))" } ?? ""
        return """
            <div class="card"><figure class="sample">\(pictures.sample.html("sample \(sample.index)"))\
            <figcaption>sample\(label)</figcaption></figure>\(nearest.joined())</div>
            """
    }

    /// Both distributions on one scale: from the 1st to the 99th percentile, the middle half, the median.
    private func distribution(_ neighbours: EvaluationReport.Neighbours) -> String {
        let rows = [
            ("samples to real pictures", neighbours.toReal, 1),
            ("real pictures to one another", neighbours.amongReal, 2),
        ]
        let largest = max(neighbours.toReal.p99, neighbours.amongReal.p99)
        guard largest > 0 else { return "" }
        func percent(_ value: Double) -> String { String(format: "%.2f%%", value / largest * 100) }
        let boxes = rows.map { name, distances, colour in
            """
            <dt>\(name)</dt><dd class="c\(colour)">
            <i class="range" style="left:\(percent(distances.p1));width:\(percent(distances.p99 - distances.p1))"></i>
            <i class="half" style="left:\(percent(distances.p25));width:\(percent(distances.p75 - distances.p25))"></i>
            <i class="median" style="left:\(percent(distances.median))"></i></dd>
            <dd>median \(ReportText.number(distances.median))</dd>
            """
        }
        return """
            <div class="card"><dl class="boxes">\(boxes.joined(separator: "\n"))</dl>
            <p class="key">Distance to the nearest: 1st to 99th percentile, the middle half, the median.</p></div>
            """
    }
}
