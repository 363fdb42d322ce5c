public import Encoding
public import Evidence
import Synchronization

/// SGX quotes from Gramine's `/dev/attestation` files.
///
/// - Source: Gramine documentation, "Attestation and Secret Provisioning"; `runtimes.md` section 2.4.
public struct GramineSource: EvidenceSource {
    /// Where Gramine offers it. Absent under `gramine-direct`, and that means: no TEE.
    public static let folder = "/dev/attestation"

    public var tee: TEE { .sgx }
    private let files: AttestationFiles

    public init(files: AttestationFiles = .system) {
        self.files = files
    }

    /// The report data file is one for the whole process: a request writes and reads alone.
    private static let turn = Mutex(())

    public func evidence(reportData: [UInt8]) async throws(Refusal) -> AttesterEvidence {
        try requireReportData(reportData)
        return try await offPool { () throws(Refusal) in
            try Self.turn.withLock { _ throws(Refusal) in try quote(reportData) }
        }
    }

    /// Whether this process runs in an enclave that can be quoted.
    public static func isAvailable(files: AttestationFiles) -> Bool {
        attestationType(files) == "dcap"
    }

    /// The content of `attestation_type`; nil where there is none.
    static func attestationType(_ files: AttestationFiles) -> String? {
        do throws(SystemError) {
            let content = try files.read(folder + "/attestation_type")
            return String(decoding: content, as: UTF8.self).split(whereSeparator: \.isWhitespace).first.map(String.init)
        } catch {
            return nil
        }
    }

    private func quote(_ reportData: [UInt8]) throws(Refusal) -> AttesterEvidence {
        guard Self.isAvailable(files: files) else {
            throw Refusal(.notReady, "Gramine offers no DCAP attestation to this process")
        }
        let quote: [UInt8]
        do throws(SystemError) {
            try files.write(Self.folder + "/user_report_data", reportData)
            quote = try files.read(Self.folder + "/quote")
        } catch {
            throw Refusal(.notReady, "Gramine makes no quote (\(error))")
        }
        try ReportDataPosition(tee: .sgx)?.require(reportData, in: quote)
        return AttesterEvidence(tee: .sgx, evidence: quote)
    }
}
