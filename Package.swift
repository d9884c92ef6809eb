// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// Where libtorch 2.11.0 lives: `$LIBTORCH`, else the folder that `Scripts/setup` fills.
let environment = ProcessInfo.processInfo.environment.filter { !$0.value.isEmpty }
let cache = environment["XDG_CACHE_HOME"] ?? "\(environment["HOME"] ?? "")/.cache"
let libtorch = environment["LIBTORCH"] ?? "\(cache)/swift-ecar/libtorch-2.11.0/torch"

let package = Package(
    name: "swift-ecar",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "ecar", targets: ["ecar"]),
        .library(name: "ECAR", targets: ["ECAR"]),
        .library(name: "ECARImages", targets: ["ECARImages", "ECARAutoencoder"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        // Without its traits it reads no configuration of its own, and builds less.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(name: "Files"),

        // MARK: Engine
        .target(
            name: "CTorch",
            cxxSettings: [
                .define("USE_C10D_GLOO"),
                .headerSearchPath("."),
                .unsafeFlags([
                    "-fno-strict-aliasing",  // Attention.hpp reads pairs of numbers as words
                    "-isystem", "\(libtorch)/include",
                    "-isystem", "\(libtorch)/include/torch/csrc/api/include",
                ]),
            ],
            linkerSettings: [
                .linkedLibrary("torch_cpu"),
                .linkedLibrary("c10"),
                .unsafeFlags(["-L\(libtorch)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(libtorch)/lib"]),
            ]
        ),
        .target(name: "Torch", dependencies: ["CTorch", "Files"]),
        .target(name: "TorchNN", dependencies: ["Torch"]),

        // MARK: Peers to measure against
        .target(name: "ECARBaselines", dependencies: ["TorchNN"]),

        // MARK: Method
        .target(name: "ECAR", dependencies: ["TorchNN", .product(name: "Crypto", package: "swift-crypto")]),

        // Optimized in every configuration: it measures the processor, not the compiler.
        .target(name: "CPeak", cSettings: [.unsafeFlags(["-O2"])]),

        // MARK: Images
        .systemLibrary(
            name: "CImageLibraries", pkgConfig: "libpng libturbojpeg libarchive cairo",
            providers: [
                .apt(["libpng-dev", "libturbojpeg0-dev", "libarchive-dev", "libcairo2-dev"]),
                .brew(["libpng", "jpeg-turbo", "libarchive", "cairo"]),
            ]),
        .target(name: "CImages", dependencies: ["CImageLibraries"], linkerSettings: [.linkedLibrary("z")]),
        .target(name: "ECARImages", dependencies: ["CImages", "Files"]),
        .target(name: "ECARReports", dependencies: ["ECARImages"]),

        // MARK: Programs
        .target(
            name: "ECARAutoencoder",
            dependencies: ["ECAR", "ECARImages", .product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "ECARPictures", dependencies: ["ECARAutoencoder"]),
        // The files of Sources/ECARServer/Resources.
        .target(name: "CPage"),
        .target(
            name: "ECARServer",
            dependencies: [
                "CPage", "ECARPictures",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            exclude: ["Resources"]),
        .target(name: "ECARTraining", dependencies: ["ECARAutoencoder", "ECARReports"]),
        .target(
            name: "ECAREvaluation",
            dependencies: ["ECAR", "ECARReports", .product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "ECARBenchmark", dependencies: ["ECAR", "ECARBaselines", "ECARReports", "CPeak"]),
        .executableTarget(
            name: "ecar",
            dependencies: [
                "ECARPictures", "ECARServer", "ECARTraining", "ECAREvaluation", "ECARBenchmark", "ECARReports",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/ECARCommand"
        ),

        // MARK: Tests
        .target(name: "TestSupport", dependencies: ["Torch"], path: "Tests/TestSupport"),
        .testTarget(name: "TorchTests", dependencies: ["TorchNN", "TestSupport"]),
        .testTarget(
            name: "ECARBaselinesTests", dependencies: ["ECARBaselines", "TestSupport"], exclude: ["Fixtures"]),
        .testTarget(name: "ECARTests", dependencies: ["ECAR", "TestSupport"], exclude: ["Fixtures"]),
        .testTarget(name: "ECARImagesTests", dependencies: ["ECARImages"], exclude: ["Fixtures"]),
        .testTarget(
            name: "ECARAutoencoderTests", dependencies: ["ECARAutoencoder", "TestSupport"], exclude: ["Fixtures"]),
        .testTarget(
            name: "ECAREvaluationTests", dependencies: ["ECAREvaluation", "TestSupport"], exclude: ["Fixtures"]),
        .testTarget(name: "ECARBenchmarkTests", dependencies: ["ECARBenchmark", "TestSupport"]),
        .testTarget(
            name: "ECARServerTests",
            dependencies: [
                "ECARServer", "TestSupport",
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .testTarget(
            name: "ECARCommandTests",
            dependencies: ["ECARPictures", "ECARTraining", "ECAREvaluation", "ecar", "TestSupport"]),
    ],
    cxxLanguageStandard: .cxx20
)
