package import Encoding
import Evidence

/// A policy or a policy certificate on its way to an instance: a compact JWS, unsigned or signed by the certificate in
/// its header (attestation API reference, sections 5.1 and 6.2).
package struct PolicyToken: Sendable {
    /// Exactly what was sent; its digest is what clients compare.
    package let text: String
    let payload: [UInt8]
    /// Whose certificate the header carries; the signature has been verified. Nil for unsigned tokens.
    package let signer: PolicySigner?

    /// Longest body of a request that carries one, in bytes.
    package static let maximumBodyBytes = 1_048_576
    /// What stands for "no policy": unsigned, without a payload.
    package static let empty = "eyJhbGciOiJub25lIn0.."

    /// SHA-256 of the text: the claim `x-ms-policy-token-hash`.
    package var digest: Digest { Digest(of: text) }

    /// The unsigned token around a policy text.
    static func unsigned(_ policy: String) -> String {
        let body: JSON = ["AttestationPolicy": .string(Base64.encodeURL(policy.utf8))]
        return "eyJhbGciOiJub25lIn0." + Base64.encodeURL(body.canonical) + "."
    }

    /// Finds the token in a request's body: raw text, a JSON string, or an object with `member`.
    ///
    /// Content types are not looked at: SDKs name different ones for the same bytes.
    package static func text(ofBody body: [UInt8], member: String? = nil) throws(APIError) -> String {
        guard let whole = String(validating: body, as: UTF8.self) else { throw malformed("the body is not UTF-8") }
        var text = whole.drop { $0 == "\u{feff}" || $0.isWhitespace }
        while text.last?.isWhitespace ?? false { text.removeLast() }
        guard text.hasPrefix("\"") || text.hasPrefix("{") else { return String(text) }
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(String(text)) } catch {
            throw malformed("the body is not JSON: \(error)")
        }
        if let string = json.string { return string }
        let found: String?
        do throws(Refusal) {
            let members = try LenientObject(json, "the body")
            found = try member.flatMap { name throws(Refusal) in try members.string(name) }
        } catch { throw invalidOperation(error) }
        guard let found else { throw malformed("the body holds no token") }
        return found
    }

    /// - Throws: `InvalidOperation` for anything but a token of this form, and for a signature that is not the
    ///   certificate's; `InvalidParameter` for the certificate.
    package init(_ text: String) throws(APIError) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, !text.utf8.contains(where: { $0 <= 0x20 }) else {
            throw Self.malformed("the token is not a compact JWS of three parts")
        }
        guard let headerBytes = Base64.decode(Substring(parts[0]), .lenient),
            let payload = Base64.decode(Substring(parts[1]), .lenient),
            let signature = Base64.decode(Substring(parts[2]), .lenient)
        else { throw Self.malformed("a part of the token is not base64url") }
        let (algorithm, x5c) = try Self.header(headerBytes)
        if let x5c {
            let signer = try PolicySigner(x5c: x5c)
            let input = Array(text.utf8[..<parts[1].endIndex])
            guard algorithm != "none", signer.hasSigned(input, signature: signature, algorithm: algorithm) else {
                throw Self.invalidOperation(
                    Refusal(.tokenSignature, "the signature of the token is not of the certificate in its header"))
            }
            self.signer = signer
        } else {
            guard algorithm.lowercased() == "none", signature.isEmpty else {
                throw Self.malformed("the token is signed, but its header carries no x5c")
            }
            signer = nil
        }
        self.text = text
        self.payload = payload
    }

    /// `alg`, and the certificates in `x5c` or, as the Python SDK sends them, in `jwk.x5c`.
    private static func header(_ bytes: [UInt8]) throws(APIError) -> (algorithm: String, x5c: JSON?) {
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw malformed("the header of the token is not JSON: \(error)")
        }
        do throws(Refusal) {
            let header = try LenientObject(json, "the header of the token")
            guard let algorithm = try header.string("alg") else {
                throw Refusal(.tokenMalformed, "the header of the token has no alg")
            }
            guard header["crit"] == nil else {
                throw Refusal(.tokenMalformed, "the token wants something that is not known here")
            }
            if let x5c = header["x5c"] { return (algorithm, x5c) }
            guard let jwk = header["jwk"] else { return (algorithm, nil) }
            return (algorithm, try LenientObject(jwk, "jwk")["x5c"])
        } catch { throw invalidOperation(error) }
    }

    private static func malformed(_ detail: String) -> APIError {
        invalidOperation(Refusal(.tokenMalformed, detail))
    }

    static func invalidOperation(_ refusal: Refusal) -> APIError {
        APIError(status: 400, code: .invalidOperation, refusal: refusal)
    }
}

// MARK: What tokens carry

extension PolicyToken {
    /// The policy text.
    ///
    /// - Parameter allowsPlainText: on the first preview version the member held the text itself.
    /// - Throws: `InvalidOperation`.
    package func policyText(allowsPlainText: Bool) throws(APIError) -> String {
        let members = try members()
        let value: String?
        do throws(Refusal) { value = try members.string("AttestationPolicy") } catch {
            throw Self.invalidOperation(error)
        }
        guard let value else { throw Self.malformed("the token has no AttestationPolicy") }
        if let bytes = Base64.decode(value, .lenient), let text = String(validating: bytes, as: UTF8.self) {
            return text
        }
        guard allowsPlainText else {
            throw Self.malformed("AttestationPolicy is not the base64url of a policy text")
        }
        return value
    }

    /// The certificate to add or remove.
    ///
    /// - Parameter allowsPreviewNames: on the first preview version the member had other names.
    /// - Throws: `InvalidOperation`, `InvalidParameter`.
    package func policyCertificate(allowsPreviewNames: Bool) throws(APIError) -> PolicySigner {
        let members = try members()
        let names =
            ["policyCertificate"]
            + (allowsPreviewNames
                ? ["maa-policyCertificate", "aas-policyCertificate", "x-ms-policyCertificate"] : [])
        guard let jwk = names.lazy.compactMap({ members[$0] }).first else {
            throw Self.malformed("the token has no policyCertificate")
        }
        let x5c: JSON?
        do throws(Refusal) { x5c = try LenientObject(jwk, "policyCertificate")["x5c"] } catch {
            throw Self.invalidOperation(error)
        }
        guard let x5c else { throw Self.malformed("policyCertificate has no x5c") }
        return try PolicySigner(x5c: x5c)
    }

    /// - Throws: `InvalidOperation` when the token carries anything.
    package func requireEmpty() throws(APIError) {
        guard payload.isEmpty else { throw Self.malformed("a token that resets a policy has an empty payload") }
    }

    private func members() throws(APIError) -> LenientObject {
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(payload) } catch {
            throw Self.malformed("the payload of the token is not JSON: \(error)")
        }
        do throws(Refusal) { return try LenientObject(json, "the payload of the token") } catch {
            throw Self.invalidOperation(error)
        }
    }
}
