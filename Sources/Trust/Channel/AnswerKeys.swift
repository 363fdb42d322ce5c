import Crypto
import Encoding

/// What both sides of an exchange keep to protect its answer (RFC 9458 section 4.4).
///
/// The secret comes from the request's HPKE context, so an answer opens only for the request that it belongs to.
struct AnswerKeys: Sendable {
    let suite: EncapsulationSuite
    let encapsulated: [UInt8]
    private let secret: SymmetricKey

    init(suite: EncapsulationSuite, encapsulated: [UInt8], secret: SymmetricKey) {
        self.suite = suite
        self.encapsulated = encapsulated
        self.secret = secret
    }

    /// SHA-256 of `enc`, by which hop statements name the exchange.
    var encDigest: Encoding.Digest { Encoding.Digest(of: encapsulated) }

    /// Response nonce, ciphertext and tag.
    ///
    /// - Parameter nonce: `suite.responseNonceLength` random bytes, never used twice.
    func seal(_ message: [UInt8], nonce: [UInt8]) throws(Refusal) -> [UInt8] {
        guard nonce.count == suite.responseNonceLength else {
            throw Refusal(.recordAuthentication, "the response nonce has the wrong length")
        }
        do {
            let keys = try derive(nonce)
            let box = try AES.GCM.seal(message, using: keys.key, nonce: keys.nonce)
            var body = nonce
            body.reserveCapacity(nonce.count + box.ciphertext.count + EncapsulationSuite.tagLength)
            body.append(contentsOf: box.ciphertext)
            body.append(contentsOf: box.tag)
            return body
        } catch {
            throw Refusal(.recordAuthentication, "the answer cannot be sealed")
        }
    }

    /// - Throws: `record-authentication` for anything that is not the whole answer to this request.
    func open(_ body: [UInt8]) throws(Refusal) -> [UInt8] {
        let nonceLength = suite.responseNonceLength
        guard body.count >= nonceLength + EncapsulationSuite.tagLength else {
            throw Refusal(.recordAuthentication, "the encapsulated response is truncated")
        }
        let tagStart = body.count - EncapsulationSuite.tagLength
        do {
            let keys = try derive(Array(body[..<nonceLength]))
            let box = try AES.GCM.SealedBox(
                nonce: keys.nonce, ciphertext: body[nonceLength..<tagStart], tag: body[tagStart...])
            return [UInt8](try AES.GCM.open(box, using: keys.key))
        } catch {
            throw Refusal(.recordAuthentication, "the response is not the answer to this request, or was altered")
        }
    }

    private func derive(_ responseNonce: [UInt8]) throws -> (key: SymmetricKey, nonce: AES.GCM.Nonce) {
        let pseudoRandomKey = HKDF<SHA256>.extract(inputKeyMaterial: secret, salt: encapsulated + responseNonce)
        let key = HKDF<SHA256>.expand(
            pseudoRandomKey: pseudoRandomKey, info: Array("key".utf8), outputByteCount: suite.keyLength)
        let nonce = HKDF<SHA256>.expand(
            pseudoRandomKey: pseudoRandomKey, info: Array("nonce".utf8),
            outputByteCount: EncapsulationSuite.nonceLength)
        return (key, try AES.GCM.Nonce(data: unsafe nonce.withUnsafeBytes { unsafe Array($0) }))
    }
}
