// swift-tools-version: 6.2
import PackageDescription

// MARK: Settings

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
]

/// Swift Testing's macros expand to unmarked unsafe code, so test targets go without `strictMemorySafety`.
let strictTests: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
]

// MARK: Products of other packages

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let grpcCore: Target.Dependency = .product(name: "GRPCCore", package: "grpc-swift-2")
let grpcTransport: Target.Dependency = .product(
    name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

// MARK: Targets, floor by floor (architecture: a target imports only from floors below its own)

func library(_ name: String, _ floor: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(floor)/\(name)", swiftSettings: strict)
}

func unit(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Sources/Executables/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: ["TestSupport"] + dependencies, path: "Tests/\(name)Tests",
        swiftSettings: strictTests)
}

let c: [Target] = [
    .target(name: "CUnixSocket", path: "Sources/Ground/CUnixSocket"),
    .target(name: "CONNXRuntime", path: "Sources/Ground/CONNXRuntime"),
    .target(
        name: "COpenSSL", path: "Sources/Ground/COpenSSL", linkerSettings: [.linkedLibrary("crypto")]),
    .target(name: "CPKCS11", path: "Sources/Ground/CPKCS11"),
    .target(name: "CProcessMemory", path: "Sources/Ground/CProcessMemory"),
    .systemLibrary(name: "CPostgreSQL", path: "Sources/Ground/CPostgreSQL", providers: [.apt(["libpq-dev"])]),
]

let trust: [Target] = [
    library("Encoding", "Trust", [crypto]),
    library("Evidence", "Trust", ["Encoding", crypto, cryptoExtras]),
    library("AppraisalPolicy", "Trust", ["Encoding", crypto]),
    library("Collateral", "Trust", ["Encoding", "Evidence"]),
    library("AttestationToken", "Trust", ["Encoding", "Evidence", crypto, cryptoExtras, asn1]),
    library("Attester", "Trust", ["CUnixSocket", "Encoding", "Evidence", crypto]),
    library("Channel", "Trust", ["Encoding", "Evidence", "AttestationToken", crypto]),
]

let ground: [Target] = [
    library("Telemetry", "Ground", [logging]),
    library("Storage", "Ground", ["CPostgreSQL", grdb]),
    library(
        "ServiceKit", "Ground",
        [
            "Encoding", "Collateral", "Telemetry", logging, nioCore, nioPosix, nioSSL, hummingbird,
            hummingbirdCore, hummingbirdTLS, httpTypes, httpClient, lifecycle, signals, yams, arguments,
        ]),
]

let health: [Target] = [
    library("Imaging", "Health", ["Encoding"]),
    library("Inference", "Health", ["CONNXRuntime", "Encoding", crypto]),
    library("InferenceProtocol", "Health", ["Encoding"]),
    library("Records", "Health", ["Encoding", "Storage", crypto, grdb]),
]

let services: [Target] = [
    library("Access", "Services", ["AttestationToken", "Encoding", "ServiceKit", httpTypes]),
    library("Audit", "Services", ["Encoding", crypto]),
    library(
        "KeyRelease", "Services",
        ["Encoding", "Evidence", "Attester", "AttestationToken", "ServiceKit", asn1, crypto, cryptoExtras, httpTypes]),
    library(
        "Unit", "Services",
        [
            "Encoding", "Evidence", "Attester", "AttestationToken", "Channel", "ServiceKit", "Audit", "Telemetry",
            "KeyRelease", crypto, cryptoExtras, logging, hummingbird, httpTypes, lifecycle, nioCore,
        ]),
    library("EvidenceForge", "Services", ["Encoding", "Evidence", crypto, cryptoExtras, asn1]),
    library(
        "SimulatedTEE", "Services",
        [
            "CUnixSocket", "Encoding", "Evidence", "EvidenceForge", "Attester", crypto, cryptoExtras, logging,
            lifecycle,
            hummingbird, httpTypes, nioCore,
        ]),
    library(
        "AttestationService", "Services",
        [
            "Access", "Encoding", "Evidence", "Collateral", "AppraisalPolicy", "AttestationToken", "ServiceKit",
            "Storage",
            "Audit", "Telemetry", crypto, cryptoExtras, x509, asn1, logging, hummingbird, httpTypes, lifecycle, nioCore,
        ]),
    library(
        "KeyService", "Services",
        [
            "Access", "COpenSSL", "CPKCS11", "CProcessMemory", "Encoding", "Evidence", "AttestationToken", "ServiceKit",
            "Storage", "Audit", "Telemetry", crypto,
            cryptoExtras, x509, asn1, logging, hummingbird, httpTypes, lifecycle, nioCore, grdb,
        ]),
    library(
        "KeyReleaseSidecar", "Services",
        [
            "Encoding", "Evidence", "Attester", "AttestationToken", "KeyRelease", "ServiceKit", "Telemetry", asn1,
            crypto, cryptoExtras, httpTypes, grpcCore, grpcTransport, lifecycle, logging, signals,
        ]),
    library(
        "MedicalPlatform", "Services",
        [
            "Encoding", "Evidence", "Attester", "AttestationToken", "Channel", "ServiceKit", "Storage", "Audit",
            "Telemetry", "Unit", "Imaging", "InferenceProtocol", "Records", crypto, cryptoExtras, logging, hummingbird,
            httpTypes, lifecycle, nioCore, grdb,
        ]),
    library(
        "Diagnostics", "Services",
        [
            "Encoding", "Evidence", "Attester", "AttestationToken", "Channel", "ServiceKit", "Audit", "Telemetry",
            "Unit", "Inference", "InferenceProtocol", crypto, cryptoExtras, logging, hummingbird, httpTypes, lifecycle,
            nioCore,
        ]),
]

let executables: [Target] = [
    unit("simulated-tee", ["Evidence", "EvidenceForge", "SimulatedTEE", arguments]),
    unit("attestation-service", ["AttestationService", "ServiceKit", "Telemetry", arguments]),
    unit("key-service", ["KeyService", "ServiceKit", "Telemetry", arguments]),
    unit(
        "key-release-sidecar",
        ["KeyReleaseSidecar", "Attester", "Encoding", "Evidence", "KeyRelease", "ServiceKit", "Telemetry", arguments]),
    unit("medical-platform", ["MedicalPlatform", "ServiceKit", "Telemetry", arguments]),
    unit("diagnostics", ["Diagnostics", "ServiceKit", "Telemetry", arguments]),
    unit(
        "cloister",
        [
            "Encoding", "Evidence", "Collateral", "AppraisalPolicy", "Attester", "AttestationToken", "Audit", "Channel",
            "KeyService", "ServiceKit", "Imaging", "EvidenceForge", "Inference", "SimulatedTEE", "Telemetry", crypto,
            cryptoExtras,
            x509, asn1, logging, hummingbird, httpTypes, httpClient, nioCore, nioSSL, yams, arguments, lifecycle,
        ]),
]

let everyTest: [Target] = [
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strictTests),
    tests("Encoding", ["Encoding"]),
    tests("Evidence", ["Encoding", "Evidence", crypto, cryptoExtras, asn1]),
    tests("AppraisalPolicy", ["AppraisalPolicy", "Encoding", "cloister"]),
    tests("Collateral", ["Collateral", "Attester", "Encoding", "Evidence", "SimulatedTEE"]),
    tests("AttestationToken", ["AttestationToken", "Encoding", "Evidence", crypto, cryptoExtras, asn1, x509]),
    tests("Channel", ["Channel", "AttestationToken", "Encoding", "Evidence", crypto]),
    tests("EvidenceForge", ["EvidenceForge", "Encoding", "Evidence", crypto, cryptoExtras]),
    tests(
        "SimulatedTEE", ["SimulatedTEE", "Attester", "Encoding", "Evidence", "EvidenceForge", crypto, "simulated-tee"]),
    tests(
        "ServiceKit",
        [
            "ServiceKit", "Collateral", "Telemetry", "Encoding", "Evidence", asn1, crypto, x509, httpTypes, nioCore,
            nioPosix, nioSSL,
            .product(name: "NIOTLS", package: "swift-nio"),
        ]),
    tests("Storage", ["Storage", "Audit", "Encoding", grdb]),
    tests("Imaging", ["Imaging", "Encoding"]),
    tests("Inference", ["CONNXRuntime", "Inference", "InferenceProtocol", "Imaging", "Encoding", crypto]),
    tests("Records", ["Records", "Storage", "Encoding", crypto, grdb]),
    tests(
        "AttestationService",
        [
            "Access", "AttestationService", "AttestationToken", "AppraisalPolicy", "Audit", "SimulatedTEE", "Attester",
            "Collateral", "Encoding", "Evidence", "EvidenceForge", "ServiceKit", "Storage", "Telemetry",
            "attestation-service", asn1, crypto, cryptoExtras, httpTypes, x509,
        ]),
    tests(
        "KeyService",
        [
            "KeyService", "Access", "Audit", "AttestationToken", "Encoding", "Evidence", "ServiceKit", "Storage",
            "Telemetry",
            "Unit", "cloister", "key-service", asn1, crypto, cryptoExtras, httpClient, httpTypes, nioCore, nioSSL, x509,
            grdb,
            .product(name: "NIOHTTP1", package: "swift-nio"),
        ]),
    tests(
        "KeyRelease",
        ["KeyRelease", "AttestationToken", "Encoding", "Evidence", crypto, cryptoExtras, httpTypes, x509]),
    tests(
        "KeyReleaseSidecar",
        [
            "KeyReleaseSidecar", "KeyRelease", "KeyService", "AttestationService", "AttestationToken", "Attester",
            "Collateral", "Audit", "Encoding", "Evidence", "EvidenceForge", "ServiceKit", "SimulatedTEE", "Storage",
            "Telemetry", "key-release-sidecar", asn1, crypto, cryptoExtras, httpTypes, x509, grpcCore,
            grpcTransport,
        ]),
    tests(
        "Unit",
        [
            "Unit", "Attester", "AttestationToken", "Channel", "KeyRelease", "SimulatedTEE", "Encoding", "Evidence",
            "ServiceKit", asn1, crypto, cryptoExtras, hummingbird, httpTypes, nioCore, logging, x509,
        ]),
    tests(
        "MedicalPlatform",
        [
            "MedicalPlatform", "Unit", "Channel", "AttestationToken", "Encoding", "Evidence", "Records", "Imaging",
            "ServiceKit", "Storage", crypto, hummingbird, httpTypes, nioCore, logging, grdb,
        ]),
    tests(
        "EndToEnd",
        [
            "Encoding", "Evidence", "AttestationToken", "Channel", "ServiceKit", "Imaging", crypto, httpTypes,
            "simulated-tee", "attestation-service", "key-service", "medical-platform", "diagnostics", "cloister",
        ]),
    tests(
        "Browser",
        [
            "Encoding", "ServiceKit", "simulated-tee", "attestation-service", "key-service", "medical-platform",
            "diagnostics", "cloister",
        ]),
    tests("Conformance", ["Encoding", "simulated-tee", "attestation-service", "key-service", "cloister"]),
]

let package = Package(
    name: "cloister",
    platforms: [.macOS(.v26)],
    products: [
        .library(name: "Evidence", targets: ["Encoding", "Evidence"]),
        .library(name: "AttestationToken", targets: ["AttestationToken"]),
        .library(name: "Attester", targets: ["Attester"]),
        .library(name: "Channel", targets: ["Channel"]),
        .library(name: "Inference", targets: ["Inference"]),
        .executable(name: "cloister", targets: ["cloister"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: c + trust + ground + health + services + executables + everyTest,
    swiftLanguageModes: [.v6]
)
