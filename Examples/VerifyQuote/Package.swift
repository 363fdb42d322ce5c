// swift-tools-version: 6.2
import PackageDescription

// All that a relying party needs to judge evidence: one product, no network, no service.
let package = Package(
    name: "verify-quote",
    platforms: [.macOS(.v26)],
    dependencies: [.package(name: "cloister", path: "../..")],
    targets: [
        .executableTarget(name: "VerifyQuote", dependencies: [.product(name: "Evidence", package: "cloister")])
    ],
    swiftLanguageModes: [.v6]
)
