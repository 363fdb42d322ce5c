import AttestationToken
import Encoding

/// What `/attest/…` was asked, read as leniently as the compatible API does (attestation API reference, section 7.1).
struct AttestRequest: Sendable {
    /// Data that the evidence binds.
    struct BoundData: Sendable {
        let bytes: [UInt8]
        /// The object, when `dataType` is `JSON`; nil for `Binary`.
        let json: JSON?
    }

    /// `quote`, `report`, `attestationInfo` or `data`.
    let evidence: [UInt8]
    let runtimeData: BoundData?
    let initTimeData: BoundData?
    /// Policy text that is evaluated instead of the default; the token is then a draft.
    let draftPolicy: String?
    let nonce: String?
    /// What the extension `tokenAlgorithm` asks for; nil where the service chooses.
    let tokenAlgorithm: String?
    /// The EAR form that the extension `tokenProfile` asks for; nil for the form of the compatible API.
    let profile: EARProfile?

    /// Longest nonce that is copied into a token, in bytes.
    static let maximumNonceBytes = 1_024

    /// - Throws: `request-malformed`; `evidence-malformed` when the evidence itself is missing or not base64;
    ///   `token-algorithm` for an algorithm that is not offered.
    init(_ body: [UInt8], evidence name: String) throws(Refusal) {
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(body) } catch {
            throw Refusal(.requestMalformed, "the body is not JSON: \(error)")
        }
        let members = try LenientObject(json, "the body")
        guard let text = members[name]?.string, let evidence = Base64.decode(text, .lenient), !evidence.isEmpty else {
            throw Refusal(.evidenceMalformed, "\(name) is missing or not base64url")
        }
        self.evidence = evidence
        runtimeData = try Self.data(members, "runtimeData")
        initTimeData = try Self.data(members, "initTimeData")
        draftPolicy = try members.string("draftPolicyForAttestation").map(Self.policyText)
        nonce = try Self.nonce(members["nonce"], body: body)
        tokenAlgorithm = try members.string("tokenAlgorithm")
        guard tokenAlgorithm.map(SigningKeyRing.algorithms.contains) ?? true else {
            throw Refusal(.tokenAlgorithm, "tokenAlgorithm is not RS256, ES256 or ES384")
        }
        profile = try Self.profile(try members.string("tokenProfile"), nonce: nonce)
    }

    /// `EAR` for the present draft, or the string of a profile.
    private static func profile(_ name: String?, nonce: String?) throws(Refusal) -> EARProfile? {
        guard let name else { return nil }
        guard let profile = name == "EAR" ? .draft : EARProfile(rawValue: name) else {
            throw Refusal(.requestMalformed, "tokenProfile is neither EAR nor the string of a known profile")
        }
        // RFC 9711 section 4.1.
        guard nonce.map({ (8...64).contains($0.utf8.count) }) ?? true else {
            throw Refusal(.requestMalformed, "the nonce of an attestation result has 8 to 64 bytes")
        }
        return profile
    }

    private static func data(_ members: LenientObject, _ name: String) throws(Refusal) -> BoundData? {
        guard let value = members[name] else { return nil }
        let object = try LenientObject(value, name)
        let bytes = try object.bytes("data") ?? []
        switch (try object.string("dataType") ?? "").lowercased() {
        // Sidecars say "nothing" with an empty type, a guest library with the type of JSON.
        case "" where bytes.isEmpty, "json" where bytes.isEmpty: return nil
        case "binary": return BoundData(bytes: bytes, json: nil)
        case "json":
            let json: JSON
            do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
                throw Refusal(.requestMalformed, "\(name) is not JSON: \(error)")
            }
            guard json.object != nil else { throw Refusal(.requestMalformed, "\(name) is not a JSON object") }
            return BoundData(bytes: bytes, json: json)
        default: throw Refusal(.requestMalformed, "dataType of \(name) is neither Binary nor JSON")
        }
    }

    private static func nonce(_ value: JSON?, body: [UInt8]) throws(Refusal) -> String? {
        guard let value else { return nil }
        guard let nonce = value.string ?? NumberText.integer(ofMember: "nonce", in: body),
            nonce.utf8.count <= maximumNonceBytes
        else {
            throw Refusal(.requestMalformed, "nonce is not a string of at most \(maximumNonceBytes) bytes")
        }
        return nonce
    }

    /// The raw text that SDKs send, or the text inside a policy token: `{"AttestationPolicy": base64url(text)}`.
    private static func policyText(_ text: String) -> String {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let payload = Base64.decode(parts[1], .lenient),
            let encoded = (try? JSON.parse(payload))?["AttestationPolicy"]?.string,
            let bytes = Base64.decode(encoded, .lenient), let policy = String(validating: bytes, as: UTF8.self)
        else { return text }
        return policy
    }
}
