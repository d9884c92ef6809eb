import ECAREvaluation
import ECARImages
import Files
import Foundation
import TestSupport
import Testing
import Torch

@Suite struct StatisticsFileTests {
    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures")

    @Test(arguments: [("pytorch_fid", 1e-15), ("guided", 1e-6), ("foreign", 1e-6)])
    func readsWhatOthersWrote(name: String, tolerance: Double) throws {
        let expected = try TensorFile("metrics")
        let url = Self.fixtures.appendingPathComponent("statistics_\(name).npz")
        let file = try StatisticsFile(url, width: 24, spatialWidth: 5)
        try expectEqual(file.features.mean, expected["mean"], tolerance: tolerance)
        try expectEqual(file.features.covariance, expected["covariance"], tolerance: tolerance)
        #expect((file.spatial != nil) == (name == "guided"))
        if let spatial = file.spatial {
            let corner = try expected["covariance"].narrow(0, start: 0, length: 5).narrow(1, start: 0, length: 5)
            try expectEqual(spatial.covariance, corner, tolerance: 1e-15)
        }
        #expect(try StatisticsFile(url, width: 24).spatial == nil)
    }

    @Test func writesWhatItReads() throws {
        let expected = try TensorFile("metrics")
        let statistics = try GaussianStatistics(expected["real"])
        let spatial = try GaussianStatistics(expected["real"].narrow(1, start: 0, length: 3))
        try withTemporaryFile { url in
            try StatisticsFile(features: statistics, spatial: spatial).write(to: url)
            let read = try StatisticsFile(url, width: 24, spatialWidth: 3)
            #expect(try read.features.mean.doubles() == statistics.mean.doubles())
            try expectEqual(read.features.covariance, statistics.covariance, tolerance: 1e-15)
            #expect(try read.spatial?.mean.doubles() == spatial.mean.doubles())
            try StatisticsFile(features: statistics).write(to: url)
            #expect(try StatisticsFile(url, width: 24, spatialWidth: 3).spatial == nil)
        }
    }

    private func cause(
        _ arrays: [String: NumpyArray], width: Int = 2, spatialWidth: Int = 2
    ) throws -> String {
        try withTemporaryFile { url in
            try writeNpz(arrays, to: url)
            let error = #expect(throws: FileError.self) {
                try StatisticsFile(url, width: width, spatialWidth: spatialWidth)
            }
            return error?.description ?? ""
        }
    }

    @Test func refusesWhatAreNoStatistics() throws {
        let mu = try NumpyArray([1, 2], shape: [2])
        let sigma = try NumpyArray([2, 1, 1, 3], shape: [2, 2])
        func sigmas(_ values: [Double]) throws -> [String: NumpyArray] {
            ["mu": mu, "sigma": try NumpyArray(values, shape: [2, 2])]
        }
        #expect(try cause(["arr_0": mu]).contains("holds no statistics"))
        #expect(try cause(["mu": mu]).contains("no array sigma"))
        #expect(try cause(["mu": mu, "sigma": sigma, "mu_s": mu]).contains("no array sigma_s"))
        #expect(try cause(["mu": mu, "sigma": sigma], width: 2048).contains("2 features, but the network has 2048"))
        #expect(
            try cause(["mu": mu, "sigma": sigma, "mu_s": mu, "sigma_s": sigma], spatialWidth: 2023)
                .contains("mu_s of 2 features, but the network has 2023"))
        #expect(try cause(["mu": sigma, "sigma": sigma]).contains("mu of shape [2, 2]"))
        #expect(try cause(["mu": mu, "sigma": mu]).contains("sigma of shape [2]"))
        #expect(try cause(["mu": mu, "sigma": try NumpyArray([1, 2], shape: [2, 1])]).contains("shape [2, 1]"))
        let wide = try NumpyArray([2, 1, 1, 3, 1, 1, 1, 1, 2], shape: [3, 3])
        #expect(try cause(["mu": mu, "sigma": wide]).contains("sigma of 3 features"))
        #expect(
            try cause(["mu": try NumpyArray(type: "<i8", shape: [1], bytes: .init(repeating: 0, count: 8))]).contains(
                "<i8"))
        #expect(try cause(["mu": try NumpyArray([1, .nan], shape: [2]), "sigma": sigma]).contains("mu with values"))
        #expect(try cause(sigmas([2, 1, 1, .infinity])).contains("not finite"))
        #expect(try cause(["mu": try NumpyArray([1, -1e200], shape: [2]), "sigma": sigma]).contains("mu with values"))
        #expect(try cause(sigmas([1e300, 0, 0, 1e300])).contains("sigma with values that are too large"))
        #expect(try cause(sigmas([2, 1, 1.1, 3])).contains("not symmetric"))
        #expect(try cause(sigmas([-2, 1, 1, 3])).contains("negative variance, of feature 0"))
    }

    private func withTemporaryFile<Value>(_ body: (URL) throws -> Value) throws -> Value {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("ecar-\(UUID().uuidString).npz")
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url)
    }
}
