public import Encoding
public import Evidence

/// A verified attestation result about a Cloister unit, bound to the keys in its runtime data.
public struct AttestationToken: Sendable {
    /// What the issuer signed.
    public let issued: IssuedToken
    public let tee: TEE
    /// The unit's keys, role and party, as the evidence vouches for them.
    public let runtimeData: RuntimeData
    /// The host data (SNP) or configuration id (SGX, TDX) that the evidence carries; empty when it has none.
    public let hostData: [UInt8]
    public let isDebuggable: Bool

    /// Verifies every step of `formats.md` section 3, up to the binding of the runtime data.
    ///
    /// - Throws: as `IssuedToken.verify`, then `binding-mismatch`. What the measurement means is `Acceptance`'s.
    public static func verify(
        _ compact: String, issuers: [PartyPolicy.Issuer], keySets: [String: IssuerKeySet], at time: Timestamp,
        maximumAge: Int64 = 3_600
    ) throws(Refusal) -> AttestationToken {
        try AttestationToken(
            IssuedToken.verify(compact, issuers: issuers, keySets: keySets, at: time, maximumAge: maximumAge))
    }

    /// Binds an issued token to its runtime data.
    ///
    /// - Throws: `token-malformed` for an attestation type or claims of the wrong shape, `platform-policy` for a TD whose
    ///   host can make it take faults on its memory, `binding-mismatch` when
    ///   `x-ms-runtime` is not runtime data of Cloister's format or is not what the report data says.
    public init(_ issued: IssuedToken) throws(Refusal) {
        self.issued = issued
        let claims = issued.claims
        let names = try Names(attestationType: claims["x-ms-attestation-type"]?.string)
        tee = names.tee
        guard let debuggable = names.isDebuggable(claims) else {
            throw Refusal(.tokenMalformed, "the token does not say whether the unit is debuggable")
        }
        isDebuggable = debuggable
        // Other services give tokens to TDs that their host can make fault; no unit runs like that.
        guard tee != .tdx || claims["tdx_td_attributes_septve_disable"]?.bool == true else {
            throw Refusal(.platformPolicy, "the unit's TD runs without SEPT_VE_DISABLE")
        }
        hostData = try Self.hex(names.hostData, claims) ?? []
        guard let runtime = claims["x-ms-runtime"] else {
            throw Refusal(.bindingMismatch, "the token carries no runtime data")
        }
        do throws(Refusal) { runtimeData = try RuntimeData(parsing: runtime.canonical) } catch {
            throw Refusal(.bindingMismatch, "x-ms-runtime: \(error.detail)")
        }
        guard try Self.hex(names.reportData, claims) == runtimeData.reportData else {
            throw Refusal(.bindingMismatch, "the report data is not the digest of x-ms-runtime")
        }
    }

    public var compact: String { issued.compact }
    public var issuer: PartyPolicy.Issuer { issued.issuer }
    public var claims: JSON { issued.claims }
    public var grade: Grade { issued.grade }
    public var issuedAt: Timestamp { issued.issuedAt }
    public var expires: Timestamp { issued.expires }
    public var validUntil: Timestamp? { issued.validUntil }
    public var usableUntil: Timestamp { issued.usableUntil }
    public var digest: Digest { issued.digest }
    public var runtimeDataBytes: [UInt8] { runtimeData.bytes }

    private static func hex(_ name: String, _ claims: JSON) throws(Refusal) -> [UInt8]? {
        guard let claim = claims[name] else { return nil }
        guard let bytes = claim.string.flatMap({ Hex.decode($0) }) else {
            throw Refusal(.tokenMalformed, "\(name) is not hexadecimal")
        }
        return bytes
    }
}

/// Where each attestation type keeps the claims that the checks need (`attestation-api.md` section 9).
private struct Names {
    let tee: TEE
    let reportData: String
    let hostData: String
    private let debug: String

    init(attestationType: String?) throws(Refusal) {
        switch attestationType {
        case "sgx":
            tee = .sgx
            reportData = "x-ms-sgx-report-data"
            hostData = "x-ms-sgx-config-id"
            debug = "x-ms-sgx-is-debuggable"
        case "sevsnpvm":
            tee = .snp
            reportData = "x-ms-sevsnpvm-reportdata"
            hostData = "x-ms-sevsnpvm-hostdata"
            debug = "x-ms-sevsnpvm-is-debuggable"
        case "tdxvm":
            tee = .tdx
            reportData = "tdx_report_data"
            hostData = "tdx_mrconfigid"
            debug = "tdx_td_attributes_debug"
        default:
            throw Refusal(.tokenMalformed, "x-ms-attestation-type is missing or not one of a unit")
        }
    }

    func isDebuggable(_ claims: JSON) -> Bool? { claims[debug]?.bool }
}
