public import Encoding
public import Evidence

/// Which of AMD's two endorsement keys signed a report: the chip's own, or the one a cloud operator loaded.
public enum EndorsementKeyKind: String, Hashable, Sendable {
    case vcek, vlek
}

/// Where a verifier gets what the vendors publish beside the evidence itself.
///
/// A source finds bytes. Whether they are signed, current, unrevoked and for this platform is decided where evidence is
/// verified with them, whatever the source has checked before.
public protocol CollateralSource: Sendable {
    /// TCB info, QE identity and revocation lists for one family of SGX or TDX platforms.
    ///
    /// - Parameters:
    ///   - tee: `sgx` or `tdx`; Intel publishes documents of their own for each.
    ///   - fmspc: the six bytes from the PCK certificate.
    ///   - ca: `processor` or `platform`, the intermediate that issued the PCK certificate.
    ///   - time: the moment for which evidence is judged.
    /// - Throws: `Refusal` `collateral-invalid` when there is none; `collateral-unavailable` when nobody can say.
    func dcap(tee: TEE, fmspc: [UInt8], ca: String, at time: Timestamp) async throws(Refusal) -> DCAPCollateral

    /// The VCEK of one chip at one TCB with its issuers and the revocation list.
    ///
    /// - Parameters:
    ///   - chipID: CHIP_ID of the report; bytes beyond the product's hardware id are zero.
    ///   - tcb: REPORTED_TCB, from which the chip derives the key.
    /// - Throws: `Refusal` `collateral-invalid` when there is none, and for a chip id that is masked;
    ///   `collateral-unavailable` when nobody can say.
    func snp(
        product: SNPProduct, chipID: [UInt8], tcb: SNPTCBVersion, at time: Timestamp
    ) async throws(Refusal) -> SNPCollateral

    /// The revocation list of the authority for one product line, in DER; nil where none is published.
    ///
    /// - Parameter product: `Milan`, `Genoa`, `Turin`.
    func snpCRL(product: String, kind: EndorsementKeyKind, at time: Timestamp) async throws(Refusal) -> [UInt8]?
}
