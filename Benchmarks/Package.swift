// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who only builds Cloister pays for it.
let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(name: "cloister", path: ".."),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        .target(name: "CAllocationCount"),
        .executableTarget(
            name: "EvidenceBenchmark",
            dependencies: [
                "CAllocationCount",
                .product(name: "Evidence", package: "cloister"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
