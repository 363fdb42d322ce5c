// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who only builds Cloister pays for it. `Scripts/fuzz` builds it with the
// instrumentation that libFuzzer needs; the flags are there, because they are for every module of ours.
let package = Package(
    name: "fuzz",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(name: "cloister", path: ".."),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        .target(name: "CFuzzer"),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CFuzzer",
                .product(name: "Evidence", package: "cloister"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
