package import Encoding
import HTTPTypes
import ServiceKit

/// Asks an attestation service for a token over evidence (`attestation-api.md` section 7).
package struct AttestationClient: Sendable {
    private let client: any WebClient

    package init(client: any WebClient) {
        self.client = client
    }

    /// The compact token; whoever relies on it verifies it.
    ///
    /// - Parameters:
    ///   - issuer: `https://host[:port]` of the service.
    ///   - userAgent: what to call this client; nil for nothing.
    /// - Throws: the refusal that the service gives in `Cloister-Refusal`; `unavailable` when it does not answer.
    package func token(
        for request: AttestationRequest, from issuer: String, userAgent: String? = nil
    ) async throws(Refusal) -> String {
        var headers: HTTPFields = [.contentType: "application/json"]
        if let userAgent { headers[.userAgent] = userAgent }
        let answer = try await client.send(
            .post, "\(issuer)/attest/\(request.path)", headers: headers, body: request.body.canonical)
        guard (200...207).contains(answer.status), let json = try? JSON.parse(answer.body),
            let token = json["token"]?.string, !token.isEmpty
        else {
            let name = answer.headers[.cloisterRefusal] ?? "status \(answer.status)"
            throw Refusal(
                RefusalCode(name, status: 503),
                "the attestation service refused this evidence: http response status equal to \(answer.status)")
        }
        return token
    }
}
