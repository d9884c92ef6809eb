import ECAR
import ECARAutoencoder
import Foundation
import Testing

/// What README shows works as shown.
@Suite struct ReadmeTests {
    private let root: URL
    private let readme: String

    init() throws {
        root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        readme = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
    }

    /// Every flag of every command line is one that the command knows.
    @Test(arguments: ["README.md", "Documentation/evaluation.md"]) func commandLines(_ document: String) throws {
        let text = try String(contentsOf: root.appendingPathComponent(document), encoding: .utf8)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("$ ecar ") }
        #expect(lines.count >= 4)
        for line in lines {
            let words = line.prefix { $0 != "#" }.split(separator: " ").dropFirst(2).map(String.init)
            let help = try Program.run([words[0], "--help"], in: root)
            #expect(help.status == 0, "\(line)")
            for flag in words where flag.hasPrefix("--") { #expect(help.output.contains(flag), "\(line)") }
        }
    }

    /// The example in Swift is the one below, word for word.
    @Test func library() throws {
        let source = try String(contentsOf: URL(fileURLWithPath: #filePath), encoding: .utf8)
        let example = source.components(separatedBy: "// README\n")[1].split(separator: "\n").dropLast()
        for line in example { #expect(readme.contains(line.dropFirst(8)), "README lacks \(line)") }
        let models = root
        // README
        let folder = try ModelDirectory.load(models.appendingPathComponent("Models/default"))
        let pixels = Identity()  // what turns latents into pictures; `openAutoencoder` for other spaces
        let sampler = try Sampler(folder.model, settings: folder.description.sampling)
        var sampling = try sampler.images(labels: [7, 7, 8], seeds: [0, 1, 2])
        while let step = try sampling.next() {
            guard step.isStageEnd else { continue }  // or show a preview
            let pictures = try pixels.pictures(step.latents, latentScale: folder.description.latentScale)
            print("stage \(step.stage + 1): \(pictures.count) pictures of \(pictures[0].width)×\(pictures[0].height)")
        }
        // README
    }

    /// Files that README and the documentation link to are there.
    @Test(arguments: [
        "README.md", "Documentation/method.md", "Documentation/training.md", "Documentation/files.md",
        "Documentation/results.md",
        "Models/default/MODEL_CARD.md", "Models/fashion-mnist/MODEL_CARD.md",
    ])
    func links(_ page: String) throws {
        let url = root.appendingPathComponent(page)
        let text = try String(contentsOf: url, encoding: .utf8)
        for match in text.matches(of: #/\]\(([^)#]+)(#[^)]*)?\)/#) where !match.1.hasPrefix("http") {
            let target = url.deletingLastPathComponent().appendingPathComponent(String(match.1))
            #expect(FileManager.default.fileExists(atPath: target.path), "\(page) links to \(match.1)")
        }
    }
}
