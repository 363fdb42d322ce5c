import AppraisalPolicy
import Crypto
import Encoding

/// What a policy set by `issueproperty`, each honoured or refused: one that is not honoured must not look as if it were.
///
/// - Source: attestation API reference, section 10.5.
struct PolicyProperties {
    /// Seconds; nil for the usual life of a token.
    private(set) var lifetime: Int64?
    private var omitsChain = false
    private var requiredRegisters: Int64 = 0

    /// Azure allows a year. Here a token ends before its key leaves the published list, after a day.
    private static let maximumMinutes = SigningKeyRing.longestToken / 60

    /// - Throws: `policy-invalid` for a property or value that is not honoured.
    init(_ properties: [AppraisalClaim], type: AttestationType) throws(Refusal) {
        if type == .tpm { lifetime = SigningKeyRing.longestToken }
        for property in properties {
            switch (property.type, property.value, type) {
            case (TCBBaseline.property, _, _) where TCBBaseline.isHonoured(property): break
            // A chain under a trusted root is always asked for.
            case ("require_valid_aik_cert", .boolean(true), .tpm): break
            case ("required_pcr_mask", .integer(let mask), .tpm) where (0...0xff_ffff).contains(mask):
                requiredRegisters |= mask
            case ("report_validity_in_minutes", .integer(let minutes), .tpm)
            where (1...Self.maximumMinutes).contains(minutes):
                lifetime = minutes * 60
            case ("omit_x5c", .boolean(let omits), .tpm): omitsChain = omits
            default:
                throw Refusal(
                    .policyInvalid, "property \(property.type.prefix(80)) with this value is not supported")
            }
        }
    }

    /// - Throws: `platform-policy` when the TPM did not quote every register that the policy wants.
    func require(_ evidence: AppraisedEvidence) throws(Refusal) {
        guard evidence.quotedRegisters & requiredRegisters == requiredRegisters else {
            throw Refusal(.platformPolicy, "the TPM's quote misses registers of required_pcr_mask")
        }
    }

    /// The member of a Tpm token's header that names the service's certificate: `x5c`, or `x5t` with `omit_x5c`.
    ///
    /// - Parameter chain: DER, leaf first.
    func certificate(_ chain: [[UInt8]]) -> [String: JSON] {
        omitsChain
            ? ["x5t": .string(Base64.encodeURL(Insecure.SHA1.hash(data: chain.first ?? [])))]
            : ["x5c": .array(chain.map { .string(Base64.encodeStandard($0)) })]
    }
}
