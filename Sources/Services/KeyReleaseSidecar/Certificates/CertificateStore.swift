package import Encoding
import Evidence
import Synchronization

/// The certificates in use, and where newer ones come from.
package final class CertificateStore: Sendable {
    private let current: Mutex<HostCertificates?>
    private let endpoint: CertificateEndpoint
    private let fetcher: RetryingFetcher

    /// - Parameters:
    ///   - initial: those of the security context; nil where it has none.
    ///   - endpoint: whom to ask when the host's firmware changed.
    package init(_ initial: HostCertificates?, endpoint: CertificateEndpoint, fetcher: RetryingFetcher) {
        current = Mutex(initial)
        self.endpoint = endpoint
        self.fetcher = fetcher
    }

    var held: HostCertificates? { current.withLock { $0 } }

    /// Asks the host for its certificates where the security context has none (sidecars page section 1).
    ///
    /// - Throws: `collateral-invalid`, `unavailable`: without certificates nothing can be proven.
    package func prepare() async throws(Refusal) {
        guard held == nil else { return }
        let found = try await CertificateEndpoint.localTHIM(CertificateEndpoint.defaultTHIM)
            .certificates(chip: [], tcb: 0, by: fetcher)
        current.withLock { $0 = found }
    }

    /// Asks for the certificates of a chip at a TCB, and keeps what comes.
    func refresh(for report: SNPReport) async throws(Refusal) -> HostCertificates {
        let found = try await endpoint.certificates(
            chip: report.chipID, tcb: report.reportedTCBNumber, by: fetcher)
        current.withLock { $0 = found }
        return found
    }
}
