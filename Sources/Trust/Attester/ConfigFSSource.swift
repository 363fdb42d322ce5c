public import Encoding
public import Evidence

/// Evidence from the Linux kernel's `configfs-tsm` interface: SEV-SNP reports and TDX quotes (kernel 6.7 and later).
///
/// - Source: `Documentation/ABI/testing/configfs-tsm-report` of the Linux kernel; `runtimes.md` section 8.
public struct ConfigFSSource: EvidenceSource {
    /// Where the kernel offers it.
    public static let folder = "/sys/kernel/config/tsm/report"

    /// How often a busy provider, or an answer to another writer, is asked again.
    private static let attempts = 5

    public let tee: TEE
    private let files: AttestationFiles
    private let randomness: Randomness

    /// - Parameters:
    ///   - tee: `snp` or `tdx`; a provider of the other kind is refused.
    ///   - files: the file system that holds the interface.
    public init(tee: TEE, files: AttestationFiles = .system, randomness: Randomness = .system) {
        self.tee = tee
        self.files = files
        self.randomness = randomness
    }

    public func evidence(reportData: [UInt8]) async throws(Refusal) -> AttesterEvidence {
        try requireReportData(reportData)
        return try await offPool { () throws(Refusal) in try report(reportData) }
    }

    /// The TEE of the provider that this machine has; nil where the interface is absent or has another provider.
    public static func provider(files: AttestationFiles, randomness: Randomness = .system) -> TEE? {
        guard files.exists(folder) else { return nil }
        let entry = folder + "/cloister-" + Hex.encode(randomness.bytes(8))
        do throws(SystemError) {
            try files.makeFolder(entry)
            defer { remove(entry, files) }
            return tee(ofProvider: try files.read(entry + "/provider"))
        } catch {
            return nil
        }
    }

    private func report(_ reportData: [UInt8]) throws(Refusal) -> AttesterEvidence {
        for _ in 0..<Self.attempts {
            let answer: Answer?
            do throws(SystemError) {
                answer = try attempt(reportData)
            } catch {
                guard error == .busy || error == .again else {
                    throw Refusal(.notReady, "configfs-tsm does not answer (\(error))")
                }
                continue
            }
            if let answer { return try finished(answer, reportData) }
        }
        throw Refusal(.notReady, "configfs-tsm is busy, or another process writes to the same entry")
    }

    private struct Answer {
        var provider: [UInt8]
        var outblob: [UInt8]
        var auxblob: [UInt8]
    }

    /// One request in an entry of its own; nil when somebody else wrote to it in between.
    private func attempt(_ reportData: [UInt8]) throws(SystemError) -> Answer? {
        let entry = Self.folder + "/cloister-" + Hex.encode(randomness.bytes(8))
        try files.makeFolder(entry)
        defer { Self.remove(entry, files) }
        let provider = try files.read(entry + "/provider")
        guard let before = number(try files.read(entry + "/generation")) else { throw .again }
        try files.write(entry + "/inblob", reportData)
        let outblob = try files.read(entry + "/outblob")
        // Only SNP has certificates here; other providers may lack the file or leave it empty.
        let auxblob = tee == .snp && files.exists(entry + "/auxblob") ? try files.read(entry + "/auxblob") : []
        // Each write raises the generation by one: any other number means that the answer may be to another writer.
        guard number(try files.read(entry + "/generation")) == before + 1 else { return nil }
        return Answer(provider: provider, outblob: outblob, auxblob: auxblob)
    }

    private func finished(_ answer: Answer, _ reportData: [UInt8]) throws(Refusal) -> AttesterEvidence {
        guard Self.tee(ofProvider: answer.provider) == tee else {
            throw Refusal(.notReady, "configfs-tsm has no provider of \(tee.rawValue) evidence")
        }
        try ReportDataPosition(tee: tee)?.require(reportData, in: answer.outblob)
        let collateral = try SNPCertificateTable(answer.auxblob).collateral.map(EvidenceCollateral.snp)
        return AttesterEvidence(tee: tee, evidence: answer.outblob, collateral: collateral)
    }

    private static func tee(ofProvider provider: [UInt8]) -> TEE? {
        switch String(decoding: provider, as: UTF8.self).split(whereSeparator: \.isWhitespace).first {
        case "sev_guest": .snp
        case "tdx_guest": .tdx
        default: nil
        }
    }

    private func number(_ content: [UInt8]) -> UInt64? {
        String(decoding: content, as: UTF8.self).split(whereSeparator: \.isWhitespace).first.flatMap { UInt64($0) }
    }

    /// An entry that stays behind costs kernel memory and nothing else, so a failure to remove it changes no answer.
    private static func remove(_ entry: String, _ files: AttestationFiles) {
        do throws(SystemError) { try files.removeFolder(entry) } catch {}
    }
}
