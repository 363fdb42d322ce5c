import AttestationToken
import Crypto
import Encoding
import Evidence

/// Makes the release manifest of a built executable: what it must measure to, written by its vendor and never asked
/// of a running process.
struct ReleaseBuilder: Sendable {
    var unit: String
    var executable: String
    var libraries: [String] = []
    var version = Cloister.release
    var build = ReleaseBuilder.ownBuild
    var commit = "unknown"

    /// How this program itself was built; services are built beside it.
    static var ownBuild: String {
        #if DEBUG
            "debug"
        #else
            "release"
        #endif
    }

    func manifest(sequence: Int64, at time: Timestamp) throws(CommandFailure) -> ReleaseManifest {
        let digest = try FileDigest(of: executable, isLong: true)
        // What the simulated TEE reports: digests of the executable file (architecture section 11 rule 7).
        return ReleaseManifest(
            build: build, commit: commit, createdAt: time,
            file: .init(name: Files.name(of: executable), sha256: digest.sha256, size: digest.size),
            libraries: try measuredLibraries(),
            measurements: [
                .init(
                    claims: ["x-ms-sgx-mrenclave": .string(Hex.encode(digest.sha256))], grade: .simulated,
                    runtime: "simulated", tee: .sgx),
                .init(
                    claims: ["x-ms-sevsnpvm-launchmeasurement": .string(Hex.encode(digest.sha384))], grade: .simulated,
                    runtime: "simulated", tee: .snp),
            ], sequence: sequence, unit: unit, version: version)
    }

    /// The signed manifest at `path`: the one that is there while it speaks of the same executable and libraries,
    /// else a new one with the next sequence.
    func update(_ path: String, key: P256.Signing.PrivateKey, at time: Timestamp) throws(CommandFailure) -> String {
        var sequence: Int64 = 1
        if Files.exists(path) {
            let compact = try Files.line(path)
            if let existing = try? ReleaseManifest(unverified: compact) {
                if try isCurrent(existing) { return compact }
                sequence = existing.sequence + 1
            }
        }
        let manifest = try manifest(sequence: sequence, at: time)
        let compact: String
        do throws(Refusal) { compact = try manifest.sign(with: key) } catch { throw CommandFailure("\(error)") }
        try Files.write((compact + "\n").utf8, to: path)
        return compact
    }

    /// Whether a manifest speaks of the executable and libraries as they are now.
    private func isCurrent(_ manifest: ReleaseManifest) throws(CommandFailure) -> Bool {
        let libraries = try measuredLibraries()
        let digest = try FileDigest(of: executable)
        return manifest.unit == unit && manifest.version == version && manifest.build == build
            && manifest.commit == commit && manifest.libraries == libraries
            && manifest.file
                == .init(name: Files.name(of: executable), sha256: digest.sha256, size: digest.size)
    }

    private func measuredLibraries() throws(CommandFailure) -> [ReleaseManifest.Library] {
        var measured: [ReleaseManifest.Library] = []
        for library in libraries {
            measured.append(.init(name: Files.name(of: library), sha256: try FileDigest(of: library).sha256))
        }
        return measured
    }
}
