public import Encoding
public import Evidence

/// Which of AMD's two endorsement keys signed a report: the chip's own, or the one a cloud operator loaded.
public enum EndorsementKeyKind: String, Hashable, Sendable {
    case vcek, vlek
}

/// Where a verifier gets what the vendors publish beside the evidence itself.
///
/// A source only finds bytes. Whether they are signed, current and for this platform is the verifier's decision.
public protocol CollateralSource: Sendable {
    /// TCB info, QE identity and revocation lists for one SGX platform family.
    ///
    /// - Parameters:
    ///   - fmspc: the six bytes from the PCK certificate.
    ///   - ca: `processor` or `platform`, the intermediate that issued the PCK certificate.
    /// - Throws: `Refusal` `collateral-invalid` when there is none.
    func sgx(fmspc: [UInt8], ca: String, at time: Timestamp) async throws(Refusal) -> DCAPCollateral

    /// The revocation list of the authority for one product line, in DER; nil where none is published.
    ///
    /// - Parameter product: `Milan`, `Genoa`, `Turin`.
    func snpCRL(product: String, kind: EndorsementKeyKind, at time: Timestamp) async throws(Refusal) -> [UInt8]?
}
