import ECARImages
import Files
import Testing

@Suite struct DrawingTests {
    /// How many pixels are close to a colour.
    private func count(_ red: Int, _ green: Int, _ blue: Int, in image: Image) -> Int {
        stride(from: 0, to: image.pixels.count, by: 3).count { i in
            abs(Int(image.pixels[i]) - red) + abs(Int(image.pixels[i + 1]) - green)
                + abs(Int(image.pixels[i + 2]) - blue) < 48
        }
    }

    @Test func gridPlacesMagnifiedPictures() throws {
        let images = try (0..<5).map { try picture($0, side: 32) }
        let grid = try ImageGrid(images, columns: 3).render()
        #expect(grid.width == 2 * 16 + 3 * 96 + 2 * 8)
        #expect(grid.height == 2 * 16 + 2 * 96 + 8)
        let fifth = try grid.cropped(x: 16 + 104, y: 16 + 104, width: 96, height: 96)
        #expect(try fifth == images[4].magnified(3))
        let sixth = try grid.cropped(x: 16 + 208, y: 16 + 104, width: 96, height: 96)
        #expect(sixth.pixels.allSatisfy { $0 == 255 })
    }

    @Test func gridMagnifiesStagesToOneSize() throws {
        let stages = try [8, 16, 32].map { try picture(1, side: $0, channels: 1) }
        let grid = try ImageGrid(stages, columns: 3, magnification: 4).render()
        for (i, stage) in stages.enumerated() {
            let cell = try grid.cropped(x: 16 + i * 136, y: 16, width: 128, height: 128)
            #expect(try cell == stage.converted(channels: 3).magnified(128 / stage.width))
        }
    }

    @Test(arguments: [([64], true), ([33], true), ([32], false), ([8, 64], false)])
    func gridSmoothsWhatIsMoreThanIcons(sides: [Int], isSmooth: Bool) throws {
        let pictures = try sides.map { try picture(1, side: $0) }
        let last = try #require(pictures.last)
        let grid = try ImageGrid(pictures, columns: sides.count, magnification: 2).render()
        let side = 2 * last.width
        let cell = try grid.cropped(x: grid.width - 16 - side, y: 16, width: side, height: side)
        #expect(try cell == (isSmooth ? last.resized(width: side, height: side) : last.magnified(2)))
    }

    @Test func gridDrawsText() throws {
        let images = try (0..<4).map { _ in try Image(width: 96, height: 96, channels: 3, fill: 255) }
        let bare = try ImageGrid(images).render()
        let labelled = try ImageGrid(
            images, title: "Samples", labels: ["ankle boot", "a name far too long for its cell", "", "été 光"],
            rowLabels: ["first", "second"], columnLabels: ["8×8", "16×16"]
        ).render()
        #expect(count(0x33, 0x33, 0x33, in: bare) == 0)
        #expect(count(0x33, 0x33, 0x33, in: labelled) > 100)
        #expect(labelled.width > bare.width && labelled.height > bare.height)
    }

    @Test func refusesImpossibleGrids() throws {
        #expect(throws: FileError.self) { try ImageGrid([]).render() }
        let image = try picture(1)
        #expect(throws: FileError.self) { try ImageGrid([image], magnification: 0).render() }
        #expect(throws: FileError.self) {
            try ImageGrid(Array(repeating: image, count: 4000), columns: 4000, magnification: 8).render()
        }
    }

    @Test(arguments: [false, true]) func chartDrawsItsCurves(logY: Bool) throws {
        let falling = (1...500).map { LineChart.Point(Double($0), 1 / Double($0)) }
        let rising = (1...500).map { LineChart.Point(Double($0), Double($0) / 500) }
        let chart = LineChart(
            title: "Loss", xLabel: "step",
            panels: [
                .init(yLabel: "loss", series: [.init("one", falling), .init("two", rising)], logY: logY),
                .init(yLabel: "weight", series: [.init("one", rising, smoothing: 0.9)], title: "Weights"),
            ])
        let image = try chart.render(width: 600, panelHeight: 200)
        #expect(image.width == 600)
        #expect(count(0x00, 0x72, 0xB2, in: image) > 300)
        #expect(count(0xD5, 0x5E, 0x00, in: image) > 300)
        #expect(count(0x33, 0x33, 0x33, in: image) > 50)
    }

    @Test func chartTakesAnyNumbers() throws {
        let wild: [Double] = [
            .nan, .infinity, -.infinity, 0, -1, 1e300, -1e300, .leastNormalMagnitude, .greatestFiniteMagnitude, 1e15,
            1e15 + 1,
        ]
        for first in wild {
            for second in wild {
                for (logX, logY) in [(false, false), (false, true), (true, true)] {
                    let series = [LineChart.Series("x", [.init(first, second), .init(second, first)], smoothing: 0.5)]
                    var chart = LineChart(title: "", xLabel: "", yLabel: "", series: series, logY: logY)
                    chart.logX = logX
                    #expect(throws: Never.self) { try chart.render(width: 320, panelHeight: 160) }
                }
            }
        }
        #expect(throws: Never.self) { try LineChart(title: "", xLabel: "", yLabel: "", series: []).render() }
        #expect(throws: FileError.self) { try LineChart(title: "", xLabel: "", panels: []).render() }
    }

    /// On two logarithmic axes a power is a straight line: a middle point in the geometric middle changes nothing.
    @Test func powersAreStraightOnLogarithmicAxes() throws {
        func chart(_ x: [Double], logX: Bool) throws -> Image {
            let points = x.map { LineChart.Point($0, $0 * $0) }
            var chart = LineChart(title: "", xLabel: "", yLabel: "", series: [.init("", points)], logY: true)
            chart.logX = logX
            return try chart.render(width: 600, panelHeight: 300)
        }
        // The point itself is a dot on the line: only its rim shows.
        func difference(_ a: Image, _ b: Image) -> Int { zip(a.pixels, b.pixels).count { $0 != $1 } }
        let straight = try difference(chart([1, 10, 100], logX: true), chart([1, 100], logX: true))
        let bent = try difference(chart([1, 10, 100], logX: false), chart([1, 100], logX: false))
        #expect(straight < 400 && bent > 2000, "\(straight) and \(bent)")
    }

    @Test func barsAreAsLongAsTheirValues() throws {
        func blue(_ values: [Double]) throws -> Int {
            let bars = values.map { BarChart.Bar("a", $0, note: "", group: "a") }
            return count(0x00, 0x72, 0xB2, in: try BarChart(title: "Bars", bars: bars).render(width: 600))
        }
        let one = try blue([4])
        #expect(one > 1000)
        for (value, share) in [(3.0, 0.75), (1, 0.25), (0, 0), (-2, 0), (.nan, 0)] {
            #expect(abs(try Double(blue([4, value])) / Double(one) - 1 - share) < 0.02, "\(value)")
        }
    }

    @Test func barsTakeAnyNumbersAndNames() throws {
        let long = String(repeating: "a long name ", count: 30)
        for value in [Double.infinity, -.infinity, .nan, 0, 1e308, -1e308] {
            let bars = [BarChart.Bar(long, value, note: long, group: "a"), .init("", 1, note: "", group: "b")]
            #expect(throws: Never.self) { try BarChart(title: long, subtitle: long, bars: bars).render() }
        }
        #expect(throws: FileError.self) { try BarChart(title: "", bars: []).render() }
        let bar = BarChart.Bar("a", 1, note: "", group: "a")
        #expect(throws: FileError.self) { try BarChart(title: "", bars: [bar]).render(width: 100) }
        #expect(throws: FileError.self) { try BarChart(title: "", bars: Array(repeating: bar, count: 257)).render() }
    }
}
