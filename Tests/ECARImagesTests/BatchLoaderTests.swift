import ECARImages
import Files
import Foundation
import Testing

/// Pictures whose pixels all are their number; some cannot be read.
private struct NumberedDataset: ImageDataset {
    var count: Int
    var broken: Int?
    var width = 4
    var height = 4
    let name = "numbers"
    let classNames = ["even", "odd"]

    func label(_ index: Int) -> Int { index % 2 }

    func image(_ index: Int) throws(FileError) -> Image {
        if index == broken { throw FileError("numbers/\(index)", "is broken") }
        return try Image(width: width, height: height, channels: 1, fill: UInt8(index % 256))
    }
}

@Suite struct BatchLoaderTests {
    private func loader(
        _ dataset: any ImageDataset, frequencies: [Double]? = nil, batchSize: Int = 8, firstStep: Int = 0,
        threads: Int = 2, seed: UInt64 = 7, rank: Int = 0, processes: Int = 1
    ) throws -> BatchLoader<ImageBatch> {
        let plan = try BatchPlan(
            count: dataset.count, of: dataset.name, frequencies: frequencies, batchSize: batchSize, seed: seed,
            rank: rank,
            processes: processes)
        return try BatchLoader(
            dataset: dataset, plan: plan, side: 4, channels: 1, fit: .crop, flip: true, firstStep: firstStep,
            threads: threads)
    }

    private func batches(_ loader: BatchLoader<ImageBatch>, _ count: Int) throws -> [ImageBatch] {
        try (0..<count).map { _ in try loader.next() }
    }

    @Test func givesEachPictureOncePerEpoch() throws {
        let loader = try loader(NumberedDataset(count: 50))
        var orders: [[UInt8]] = []
        for epoch in 0..<3 {
            let epochBatches = try batches(loader, 6)
            #expect(epochBatches.map(\.step) == Array(epoch * 6..<epoch * 6 + 6))
            let numbers = epochBatches.flatMap { batch in (0..<8).map { batch.pixels[$0 * 16] } }
            #expect(Set(numbers).count == 48)
            #expect(epochBatches.flatMap(\.labels) == numbers.map { Int($0) % 2 })
            orders.append(numbers)
        }
        #expect(orders[0] != orders[1] && orders[1] != orders[2])
    }

    @Test func givesPicturesAsOftenAsToldPerEpoch() throws {
        let frequencies = (0..<50).map { [0.25, 1, 1.75][$0 % 3] + ($0 < 2 ? 0.375 : 0) }
        let loader = try loader(NumberedDataset(count: 50), frequencies: frequencies, batchSize: 5)
        var orders: [[UInt8]] = []
        for _ in 0..<40 {
            orders.append(try batches(loader, 10).flatMap { batch in (0..<5).map { batch.pixels[$0 * 16] } })
        }
        var totals = [Int](repeating: 0, count: 50)
        for order in orders {
            let counts = order.reduce(into: [:]) { $0[Int($1), default: 0] += 1 }
            for (index, frequency) in frequencies.enumerated() {
                let count = counts[index, default: 0]
                #expect(Double(count) > frequency - 1 && Double(count) < frequency + 1)
                totals[index] += count
            }
        }
        for (total, frequency) in zip(totals, frequencies) { #expect(abs(Double(total) / 40 - frequency) < 0.3) }
        #expect(orders[0] != orders[1])
        #expect(orders[0] != orders[0].sorted() && zip(orders[0], orders[0].dropFirst()).filter(==).count < 15)
    }

    @Test(arguments: [1, 2, 5], [0, 3, 6, 13]) func resumesAnywhere(threads: Int, firstStep: Int) throws {
        let all = try batches(try loader(NumberedDataset(count: 50), threads: 1), 20)
        let resumed = try batches(
            try loader(NumberedDataset(count: 50), firstStep: firstStep, threads: threads), 20 - firstStep)
        #expect(Array(all[firstStep...]) == resumed)
        #expect(try loader(NumberedDataset(count: 50), seed: 8).next() != all[0])
    }

    @Test func processesShareTheBatch() throws {
        let whole = try loader(NumberedDataset(count: 50), batchSize: 8)
        let halves = try (0..<2).map { rank in
            try loader(NumberedDataset(count: 50), batchSize: 4, rank: rank, processes: 2)
        }
        for _ in 0..<10 {
            let (one, first, second) = (try whole.next(), try halves[0].next(), try halves[1].next())
            #expect(one.labels == zip(first.labels, second.labels).flatMap { [$0, $1] })
            let size = one.pixels.count / 8
            for place in 0..<8 {
                let (own, start) = ([first, second][place % 2], place / 2 * size)
                #expect(one.pixels[place * size..<(place + 1) * size] == own.pixels[start..<start + size])
            }
        }
    }

    @Test func passesErrorsOn() throws {
        let loader = try loader(NumberedDataset(count: 16, broken: 5))
        for _ in 0..<2 {
            let error = #expect(throws: FileError.self) { for _ in 0..<2 { _ = try loader.next() } }
            #expect(error == FileError("numbers/5", "is broken"))
        }
    }

    @Test func refusesImpossiblePlans() throws {
        let dataset = NumberedDataset(count: 16)
        let small = #expect(throws: FileError.self) { try loader(dataset, batchSize: 17) }
        #expect(small?.cause.contains("16 images") == true)
        #expect(throws: FileError.self) { try loader(dataset, batchSize: 0) }
        for wrong in [
            [], [Double](repeating: 2, count: 16), [.nan] + [Double](repeating: 1, count: 15),
            [-1, 3] + [Double](repeating: 1, count: 14),
        ] {
            #expect(throws: FileError.self) { try loader(dataset, frequencies: wrong) }
        }
        #expect(throws: FileError.self) { try loader(dataset, firstStep: -1) }
        #expect(throws: FileError.self) { try loader(dataset, rank: 1, processes: 1) }
        let plan = try BatchPlan(count: 16, of: "numbers", batchSize: 1, seed: 0)
        #expect(throws: FileError.self) {
            try BatchLoader(dataset: dataset, plan: plan, side: 4, channels: 1, fit: .pad, randomCrop: 0.5)
        }
        #expect(throws: FileError.self) {
            try BatchLoader(dataset: dataset, plan: plan, side: 4, channels: 1, fit: .crop, randomCrop: .nan)
        }
    }

    @Test func stops() throws {
        let loader = try loader(NumberedDataset(count: 16))
        _ = try loader.next()
        loader.stop()
        #expect(throws: FileError.self) { for _ in 0..<100 { _ = try loader.next() } }
    }

    // MARK: Transforms

    private struct OnePicture: ImageDataset {
        let picture: Image
        let name = "one"
        let count = 1
        let classNames = ["only"]

        func label(_ index: Int) -> Int { 0 }
        func image(_ index: Int) throws(FileError) -> Image { picture }
    }

    private func transformed(
        _ image: Image, side: Int, channels: Int = 1, fit: ImageFit, flip: Bool = false, randomCrop: Double = 0,
        step: Int = 0
    ) throws -> Image {
        let loader = try BatchLoader(
            dataset: OnePicture(picture: image), plan: BatchPlan(count: 1, of: "one", batchSize: 1, seed: 3),
            side: side,
            channels: channels, fit: fit, flip: flip, randomCrop: randomCrop, firstStep: step)
        return try Image(planes: try loader.next().pixels, channels: channels, height: side, width: side)
    }

    @Test func padsAndConverts() throws {
        let image = try picture(4, side: 28, channels: 1)
        #expect(try transformed(image, side: 32, fit: .pad) == image.padded(width: 32, height: 32))
        #expect(
            try transformed(image, side: 32, channels: 3, fit: .pad)
                == image.converted(channels: 3).padded(width: 32, height: 32))
        let wide = try Image(width: 64, height: 16, channels: 1, fill: 200)
        let shrunk = try Image(width: 32, height: 8, channels: 1, fill: 200).padded(width: 32, height: 32)
        #expect(try transformed(wide, side: 32, fit: .pad) == shrunk)
    }

    @Test func cropsTheCentre() throws {
        let image = try picture(4, side: 30)
        let wide = try image.padded(width: 50, height: 30, fill: 255)
        #expect(try transformed(wide, side: 15, channels: 3, fit: .crop) == image.resized(width: 15, height: 15))
    }

    @Test func flipsHalfOfThem() throws {
        let image = try picture(4, side: 6)
        let columns = try (0..<6).reversed().map { try image.cropped(x: $0, y: 0, width: 1, height: 6) }
        var mirror: [UInt8] = []
        for y in 0..<6 { for column in columns { mirror += column.pixels[3 * y..<3 * y + 3] } }
        let mirrored = try Image(width: 6, height: 6, channels: 3, pixels: mirror)
        var count = 0
        for step in 0..<100 {
            let result = try transformed(image, side: 6, channels: 3, fit: .crop, flip: true, step: step)
            #expect(result == image || result == mirrored)
            if result == mirrored { count += 1 }
        }
        #expect((30...70).contains(count))
    }

    @Test func cropsAtRandom() throws {
        let pixels = (0..<64).flatMap { y in (0..<64).map { x in UInt8(2 * x + 2 * y) } }
        let ramp = try Image(width: 64, height: 64, channels: 1, pixels: pixels)
        let means = try (0..<40).map { step in
            let crop = try transformed(ramp, side: 16, fit: .crop, randomCrop: 0.5, step: step)
            return crop.pixels.reduce(0) { $0 + Int($1) } / 256
        }
        #expect(Set(means).count > 10)
        #expect(means.allSatisfy { (60...194).contains($0) })
    }
}
