import AppraisalPolicy
import AttestationToken
import Encoding
import Evidence

/// The claims of one token: what the evidence says, what it binds, and what the policy adds (attestation API
/// reference, section 9; formats section 3).
struct TokenClaims {
    private(set) var members: [String: JSON]
    /// `jti`, once the claims are dated.
    private(set) var id = ""

    /// Claims about the evidence, before any policy; also the incoming claims of the policy.
    init(_ evidence: AppraisedEvidence, type: AttestationType, request: AttestRequest, policyHash: Digest) {
        members = evidence.claims
        members["x-ms-ver"] = "1.0"
        members["x-ms-attestation-type"] = .string(type.claim)
        members["x-ms-policy-hash"] = .string(policyHash.description)
        if let nonce = request.nonce { members["nonce"] = .string(nonce) }
        if let runtime = request.runtimeData {
            if let json = runtime.json {
                members["x-ms-runtime"] = json
            } else if type == .sgxEnclave || type == .openEnclave {
                for name in ["x-ms-sgx-ehd", "maa-ehd", "aas-ehd"] {
                    members[name] = .string(Base64.encodeURL(runtime.bytes))
                }
            }
        }
        if let json = request.initTimeData?.json { members["x-ms-inittime"] = json }
        members["x-cloister-grade"] = .string(evidence.grade.rawValue)
        members["x-cloister-tcb-status"] = evidence.tcbStatus.map(JSON.string) ?? .null
        members["x-cloister-valid-until"] = evidence.validUntil.map { .integer($0.seconds) } ?? .null
    }

    /// What a policy may test, with the deprecated names (attestation API reference, section 9.7).
    var incoming: [AppraisalClaim] {
        var claims: [AppraisalClaim] = []
        for (name, value) in members {
            guard let value = Self.value(value) else { continue }
            claims.append(AppraisalClaim(name, value))
            for alias in Self.aliases[name] ?? [] { claims.append(AppraisalClaim(alias, value)) }
        }
        return claims
    }

    /// Names who signed the stored policy that applies.
    mutating func name(signer: JSON?) { if let signer { members["x-ms-policy-signer"] = signer } }

    /// Adds what the policy issued: the six old names of the default SGX policy at top level, all others inside
    /// `x-ms-policy`, so that no policy can speak in the evidence's name. What a policy for Tpm issues is the token's main
    /// content and stands at top level, where it does not hide a claim that is there already.
    mutating func add(_ issued: [AppraisalClaim], type: AttestationType, isDefaultPolicy: Bool) {
        var custom: [String: JSON] = [:]
        for claim in issued {
            let value: JSON =
                switch claim.value {
                case .string(let text): .string(text)
                case .integer(let number): .integer(number)
                case .boolean(let truth): .bool(truth)
                }
            if isDefaultPolicy, Self.oldNames.contains(claim.type) {
                members[claim.type] = value
            } else if let former = custom[claim.type] {
                custom[claim.type] = .array((former.array ?? [former]) + [value])
            } else {
                custom[claim.type] = value
            }
        }
        if type.hasTopLevelPolicyClaims {
            members.merge(custom) { claim, _ in claim }
        } else if !custom.isEmpty {
            members["x-ms-policy"] = .object(custom)
        }
    }

    /// Adds issuer and times; `jti` is 64 random hex digits (attestation API reference, section 4).
    mutating func date(issuer: String, at time: Timestamp, lifetime: Int64, randomness: Randomness) {
        id = Hex.encode(randomness.bytes(32))
        members["iss"] = .string(issuer)
        members["iat"] = .integer(time.seconds)
        members["nbf"] = .integer(time.seconds)
        members["exp"] = .integer(time.seconds + lifetime)
        members["jti"] = .string(id)
        // Signed, so that nobody can make a relying party forget to ask whether the token was revoked.
        members[RevocationList.claim] = true
    }

    private static let oldNames: Set<String> = [
        "is-debuggable", "sgx-mrsigner", "sgx-mrenclave", "product-id", "svn", "tee",
    ]

    private static let aliases: [String: [String]] = [
        "x-ms-ver": ["ver"], "x-ms-attestation-type": ["tee", "$tee"],
        "x-ms-policy-hash": ["policy_hash", "maa-policyHash"],
        "x-ms-policy-signer": ["policy_signer"], "x-ms-sgx-is-debuggable": ["$is-debuggable"],
        "x-ms-sgx-mrsigner": ["$sgx-mrsigner"], "x-ms-sgx-mrenclave": ["$sgx-mrenclave"],
        "x-ms-sgx-product-id": ["$product-id"], "x-ms-sgx-svn": ["$svn"],
    ]

    /// Objects are offered as their JSON text.
    private static func value(_ json: JSON) -> AppraisalClaim.Value? {
        switch json {
        case .null, .number: nil
        case .bool(let truth): .boolean(truth)
        case .integer(let number): .integer(number)
        case .string(let text): .string(text)
        case .array, .object: .string(json.text)
        }
    }
}
