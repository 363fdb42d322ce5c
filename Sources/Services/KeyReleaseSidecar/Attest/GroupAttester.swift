package import Attester
import Crypto
package import Encoding
import Evidence
package import KeyRelease
import Synchronization

/// Proves what this container group is: reports that bind runtime data, with the certificates that endorse them.
package final class GroupAttester: Sendable {
    /// A report and the certificates for exactly its TCB.
    struct Endorsed: Sendable {
        var report: [UInt8]
        var certificates: HostCertificates
    }

    package let context: SecurityContext
    private let source: any EvidenceSource
    private let store: CertificateStore
    private let attestation: AttestationClient
    private let randomness: Randomness
    private let agent: Mutex<String>
    /// Whether the last report came.
    private let isProven = Mutex(false)

    /// What to be called where nobody configured a name.
    package static let defaultUserAgent = "ConfidentialSkrContainer"

    package init(
        source: any EvidenceSource, context: SecurityContext, store: CertificateStore,
        attestation: AttestationClient, userAgent: String = defaultUserAgent, randomness: Randomness = .system
    ) {
        self.source = source
        self.context = context
        self.store = store
        self.attestation = attestation
        self.randomness = randomness
        agent = Mutex(userAgent)
    }

    /// The name under which this sidecar calls attestation services.
    package var userAgent: String {
        get { agent.withLock { $0 } }
        set { agent.withLock { $0 = newValue } }
    }

    /// Makes one report, so that a machine that cannot is known before it is asked, and gets certificates where none
    /// came along.
    ///
    /// - Throws: `not-ready` without a device, `collateral-invalid` or `unavailable` without certificates.
    package func prepare() async throws(Refusal) {
        let evidence = try await evidence(reportData: [UInt8](repeating: 0, count: reportDataLength))
        if evidence.collateral == nil { try await store.prepare() }
    }

    /// Whether this group can be proven. Asks the device only if its last report did not come: firmware makes few
    /// reports a second, and whoever looks after a sidecar asks often.
    package var isReady: Bool {
        get async {
            if isProven.withLock({ $0 }) { return true }
            do throws(Refusal) { try await prepare() } catch { return false }
            return true
        }
    }

    private func evidence(reportData: [UInt8]) async throws(Refusal) -> AttesterEvidence {
        do throws(Refusal) {
            let evidence = try await source.evidence(reportData: reportData)
            guard evidence.tee == .snp else {
                throw Refusal(.notReady, "this sidecar proves SEV-SNP container groups only")
            }
            isProven.withLock { $0 = true }
            return evidence
        } catch {
            isProven.withLock { $0 = false }
            throw error
        }
    }

    /// The report over `runtimeData`, byte for byte.
    func report(over runtimeData: [UInt8]) async throws(Refusal) -> [UInt8] {
        try await report(reportData: GroupAttester.reportData(runtimeData))
    }

    /// The report with exactly this report data, 64 bytes.
    func report(reportData: [UInt8]) async throws(Refusal) -> [UInt8] {
        try await evidence(reportData: reportData).evidence
    }

    /// SHA-256 and 32 zero bytes (sidecars page section 3).
    static func reportData(_ runtimeData: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: runtimeData)) + [UInt8](repeating: 0, count: 32)
    }

    /// A report with certificates of the same TCB: after a change of firmware newer ones are fetched, and where the
    /// change happens in between, the report is made anew.
    ///
    /// - Throws: `tcb-inconsistent` when they still do not agree.
    func endorsed(over runtimeData: [UInt8]) async throws(Refusal) -> Endorsed {
        let reportData = GroupAttester.reportData(runtimeData)
        var seen: (report: UInt64, certificates: UInt64) = (0, 0)
        for attempt in 0..<2 {
            let evidence = try await evidence(reportData: reportData)
            let report = try SNPReport(evidence.evidence[...])
            if case .snp(let collateral) = evidence.collateral {
                return Endorsed(report: evidence.evidence, certificates: HostCertificates(collateral, of: report))
            }
            if attempt == 0, let held = store.held, held.tcb == report.reportedTCBNumber {
                return Endorsed(report: evidence.evidence, certificates: held)
            }
            let fetched = try await store.refresh(for: report)
            if fetched.tcb == report.reportedTCBNumber {
                return Endorsed(report: evidence.evidence, certificates: fetched)
            }
            seen = (report.reportedTCBNumber, fetched.tcb)
        }
        throw Refusal(
            .tcbInconsistent,
            "SNP reported TCB value: \(seen.report) doesn't match Certificate TCB value: \(seen.certificates)")
    }

    /// A token of an attestation service over this group and `runtimeData`, which has to be JSON.
    ///
    /// - Parameter service: `https://host[:port]`.
    func token(over runtimeData: [UInt8], from service: String) async throws(Refusal) -> String {
        let endorsed = try await endorsed(over: runtimeData)
        let request = AttestationRequest(
            containerGroup: endorsed.report, certificates: endorsed.certificates.pem,
            endorsement: try context.endorsement(), runtimeData: runtimeData,
            nonce: randomness.bytes(8).reduce(0) { $0 << 8 | UInt64($1) })
        return try await attestation.token(for: request, from: service, userAgent: userAgent)
    }
}
