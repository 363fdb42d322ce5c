package import CryptoExtras
package import Encoding
import HTTPTypes
import ServiceKit

/// Asks a key service to release a key to the environment that tokens speak of, and opens the answer.
///
/// Units and the sidecar take their keys through it.
package struct KeyReleaseClient: Sendable {
    /// One wish for a key.
    package struct Wish: Sendable {
        /// `https://host[:port]` of the key service.
        package var service: String
        /// The key's name, or name and version with a slash between them.
        package var key: String
        /// Attestation tokens, the API's `target` first; further ones are of other authorities.
        package var targets: [String]
        /// Algorithm to ask for; nil leaves the choice to the service.
        package var enc: String?
        /// Repeated in the answer; nil where the wrapping key is of this request alone.
        package var nonce: String?

        package init(service: String, key: String, targets: [String], enc: String? = nil, nonce: String? = nil) {
            self.service = service
            self.key = key
            self.targets = targets
            self.enc = enc
            self.nonce = nonce
        }

        var body: JSON {
            var members: [String: JSON] = ["target": .string(targets.first ?? "")]
            if targets.count > 1 { members["further_targets"] = .array(targets.dropFirst().map(JSON.string)) }
            if let enc { members["enc"] = .string(enc) }
            if let nonce { members["nonce"] = .string(nonce) }
            return .object(members)
        }
    }

    private let client: any WebClient

    package init(client: any WebClient) {
        self.client = client
    }

    /// The key, unwrapped.
    ///
    /// - Parameters:
    ///   - credential: bearer token of the caller.
    ///   - wrappingKey: the key that the tokens' runtime data names.
    ///   - trust: who may sign the answer.
    ///   - time: the moment at which the signer's certificates must be valid.
    /// - Throws: the code in the service's `Cloister-Refusal`, or `status-<n>`, when it decided against; `unavailable`
    ///   when it does not answer or is in trouble itself; as `KeyReleaseResponse.open` for an answer that is refused.
    package func release(
        _ wish: Wish, credential: String, wrappingKey: _RSA.Encryption.PrivateKey, trust: ReleaseTrust,
        at time: Timestamp
    ) async throws(Refusal) -> KeyReleaseResponse {
        let id = "\(wish.service)/keys/\(wish.key)"
        let answer = try await client.send(
            .post, "\(id)/release?api-version=7.4",
            headers: [.contentType: "application/json", .authorization: "Bearer \(credential)"],
            body: wish.body.canonical)
        guard answer.status == 200, let json = try? JSON.parse(answer.body), let jws = json["value"]?.string else {
            throw KeyReleaseClient.refusal(answer)
        }
        return try KeyReleaseResponse.open(
            jws: jws, trust: trust, kid: id, enc: wish.enc, nonce: wish.nonce, wrappingKey: wrappingKey, at: time)
    }

    private static func refusal(_ answer: Client.Response) -> Refusal {
        // 5xx and 429 are the service's trouble, not a decision about this environment.
        if answer.status >= 500 || answer.status == 429 {
            return Refusal(.unavailable, "the key service answered \(answer.status)")
        }
        let name = answer.headers[.cloisterRefusal] ?? "status-\(answer.status)"
        let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
        return Refusal(
            RefusalCode(parts.first ?? "refused", status: 403), part: parts.count > 1 ? parts[1] : nil,
            "the key service did not release the key to this environment")
    }
}
