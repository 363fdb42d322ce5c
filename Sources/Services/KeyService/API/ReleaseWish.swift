import AttestationToken
import Encoding

/// The body of a release request.
struct ReleaseWish: Sendable {
    /// The token of the API's `target`, then those of `further_targets`, of other authorities; never empty.
    let targets: [String]
    let nonce: String?
    let algorithm: WrappingAlgorithm

    init(_ body: KeyBody) throws(APIError) {
        guard let target = try body.string("target"), !target.isEmpty else {
            throw .badParameter("Property target is missing.")
        }
        let further = try body.strings("further_targets") ?? []
        guard further.count < AuthoritySet.maximumTokens else {
            throw .badParameter("Property further_targets has too many tokens.")
        }
        targets = [target] + further
        nonce = try body.string("nonce")
        guard nonce?.utf8.count ?? 0 <= 1_024 else { throw .badParameter("Property nonce is too long.") }
        let name = try body.string("enc") ?? WrappingAlgorithm.sha1.rawValue
        guard let algorithm = WrappingAlgorithm(rawValue: name) else {
            throw .badParameter("Property enc is not a known algorithm.")
        }
        self.algorithm = algorithm
    }

    /// The member `key_hsm`.
    func released(_ ciphertext: [UInt8], wrappingKeyID: String) -> String {
        let json: JSON = [
            "ciphertext": .string(Base64.encodeURL(ciphertext)),
            "header": ["alg": "dir", "enc": .string(algorithm.rawValue), "kid": .string(wrappingKeyID)],
            "schema_version": "1.0",
        ]
        return Base64.encodeURL(json.canonical)
    }

    /// The signed payload: what was asked, repeated, and the key.
    func answer(bundle: JSON, keyID: String, api: APIVersion) -> JSON {
        var request: [String: JSON] = [
            "api-version": .string(api.text), "enc": .string(algorithm.rawValue), "kid": .string(keyID),
        ]
        if let nonce { request["nonce"] = .string(nonce) }
        return ["request": .object(request), "response": ["key": bundle]]
    }
}
