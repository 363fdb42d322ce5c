package import Encoding
import SwiftASN1
import X509

/// A share of a security domain, as its holder keeps it: a JWE in compact form (RFC 7516, RSA-OAEP-256 and A256GCM) to
/// the holder's RSA key, around `{"format":"cloister-domain-share/1","domain","index","share","required"}`. Every JOSE
/// library opens it; what is inside goes to the service that is to recover.
package struct DomainShare: Sendable {
    static let format = "cloister-domain-share/1"

    package let domain: Digest
    /// How many shares recover the domain.
    package let required: Int
    let share: SecretSharing.Share

    package var json: JSON {
        [
            "format": .string(DomainShare.format), "domain": .string(domain.description),
            "index": .integer(Int64(share.index)), "required": .integer(Int64(required)),
            "share": .string(Base64.encodeURL(share.bytes)),
        ]
    }

    init(domain: Digest, required: Int, share: SecretSharing.Share) {
        self.domain = domain
        self.required = required
        self.share = share
    }

    /// - Throws: `request-malformed`.
    package init(_ json: JSON) throws(Refusal) {
        var members = try ObjectReader(json, "a share", refusing: .requestMalformed)
        try members.format(DomainShare.format)
        domain = try members.digest("domain")
        let (index, required) = (try members.integer("index"), try members.integer("required"))
        let bytes = try members.bytes("share")
        try members.finish()
        guard let index = UInt8(exactly: index), index > 0, (1...255).contains(required),
            bytes.count == SealingKey.length
        else { throw Refusal(.requestMalformed, "a share has an impossible index, number or length") }
        self.required = Int(required)
        share = SecretSharing.Share(index: index, bytes: bytes)
    }

    private static let unusable = Refusal(
        .keyInvalid, "A holder's certificate has no RSA key of 2048 to 8192 bits.")

    /// The SubjectPublicKeyInfo of a holder's certificate, and its SHA-256.
    ///
    /// - Throws: `key-invalid`.
    package static func holder(_ certificate: [UInt8]) throws(Refusal) -> (key: [UInt8], pin: Digest) {
        guard let holder = try? Certificate(derEncoded: certificate),
            let key = try? holder.publicKey.serializeAsPEM().derBytes, (290...1_100).contains(key.count)
        else { throw unusable }
        return (key, Digest(of: key))
    }

    /// - Parameter certificate: of the holder, DER.
    /// - Throws: `key-invalid` for a certificate without an RSA key of 2048 bits or more.
    func sealed(for certificate: [UInt8], randomness: Randomness) throws(Refusal) -> String {
        let key = try DomainShare.holder(certificate).key
        let secret = Secret(randomness.bytes(SealingKey.length))
        guard let wrapped = secret.withBytes({ LibCrypto.rsaEncrypt($0, hash: .sha256, key: key) }) else {
            throw DomainShare.unusable
        }
        let header: JSON = [
            "alg": "RSA-OAEP-256", "enc": "A256GCM",
            "x5t#S256": .string(Base64.encodeURL(Digest(of: certificate).bytes)),
        ]
        let protected = Base64.encodeURL(header.canonical)
        let nonce = randomness.bytes(SealingKey.nonceLength)
        let box = try secret.withBytes { key throws(Refusal) in
            try SealingKey(bytes: key).seal(json.canonical, nonce: nonce, context: Array(protected.utf8))
        }
        let (text, tag) = (box.dropFirst(nonce.count).dropLast(16), box.suffix(16))
        let parts = [wrapped, nonce, Array(text), Array(tag)].map { Base64.encodeURL($0) }
        return ([protected] + parts).joined(separator: ".")
    }
}
