public import Encoding
public import Evidence

/// Where a unit gets evidence about itself: the machine it runs on, or the simulator.
///
/// Tests that run a unit in-process pass a source of their own; no setting of a running service selects one
/// (architecture section 11 rule 12).
public protocol EvidenceSource: Sendable {
    /// The kind of evidence that this source makes.
    var tee: TEE { get }

    /// Fresh evidence that carries `reportData`.
    ///
    /// - Parameter reportData: exactly 64 bytes; for runtime data SHA-256 of it and 32 zero bytes (formats section 2).
    /// - Throws: what the machine or the simulator refused; `not-ready` when it does not answer.
    func evidence(reportData: [UInt8]) async throws(Refusal) -> AttesterEvidence
}

/// Evidence as its source made it, with the endorsements that came with it.
public struct AttesterEvidence: Hashable, Sendable {
    public var tee: TEE
    /// The quote or report, byte for byte.
    public var evidence: [UInt8]
    /// What the source had at hand; nil where a verifier gets collateral from elsewhere.
    public var collateral: EvidenceCollateral?

    public init(tee: TEE, evidence: [UInt8], collateral: EvidenceCollateral? = nil) {
        self.tee = tee
        self.evidence = evidence
        self.collateral = collateral
    }
}

/// The length of report data in every TEE, in bytes.
public let reportDataLength = 64

/// Refuses report data of another length before a source is asked.
func requireReportData(_ reportData: [UInt8]) throws(Refusal) {
    guard reportData.count == reportDataLength else {
        throw Refusal(.requestMalformed, "report data is \(reportData.count) bytes, not \(reportDataLength)")
    }
}
