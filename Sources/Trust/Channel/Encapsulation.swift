import Crypto
import Encoding

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A public key to which HPKE can encapsulate.
protocol EncapsulationKey: Sendable {
    func sender(_ ciphersuite: HPKE.Ciphersuite, info: [UInt8]) throws -> HPKE.Sender
}

/// A private key with which HPKE can take an encapsulation apart.
protocol DecapsulationKey: Sendable {
    func recipient(_ ciphersuite: HPKE.Ciphersuite, info: [UInt8], encapsulated: [UInt8]) throws -> HPKE.Recipient
}

extension P256.KeyAgreement.PublicKey: EncapsulationKey {
    func sender(_ ciphersuite: HPKE.Ciphersuite, info: [UInt8]) throws -> HPKE.Sender {
        try HPKE.Sender(recipientKey: self, ciphersuite: ciphersuite, info: Data(info))
    }
}

extension P256.KeyAgreement.PrivateKey: DecapsulationKey {
    func recipient(_ ciphersuite: HPKE.Ciphersuite, info: [UInt8], encapsulated: [UInt8]) throws -> HPKE.Recipient {
        try HPKE.Recipient(
            privateKey: self, ciphersuite: ciphersuite, info: Data(info), encapsulatedKey: Data(encapsulated))
    }
}

extension XWingMLKEM768X25519.PublicKey: EncapsulationKey {
    func sender(_ ciphersuite: HPKE.Ciphersuite, info: [UInt8]) throws -> HPKE.Sender {
        try HPKE.Sender(recipientKey: self, ciphersuite: ciphersuite, info: Data(info))
    }
}

extension XWingMLKEM768X25519.PrivateKey: DecapsulationKey {
    func recipient(_ ciphersuite: HPKE.Ciphersuite, info: [UInt8], encapsulated: [UInt8]) throws -> HPKE.Recipient {
        try HPKE.Recipient(
            privateKey: self, ciphersuite: ciphersuite, info: Data(info), encapsulatedKey: Data(encapsulated))
    }
}

/// The sender's side of one encapsulated request before its message is known.
///
/// The encapsulated key exists first, because a hop statement inside the message signs its digest.
struct RequestSealer: Sendable {
    let suite: EncapsulationSuite
    let encapsulated: [UInt8]
    private var context: HPKE.Sender

    /// - Throws: `key-invalid` when the key is not one that can be encapsulated to (a low-order point, say).
    init(to key: any EncapsulationKey, suite: EncapsulationSuite) throws(Refusal) {
        do {
            context = try key.sender(suite.ciphersuite, info: suite.requestInfo)
        } catch {
            throw Refusal(.keyInvalid, "the receiver's public key cannot be encapsulated to")
        }
        self.suite = suite
        encapsulated = [UInt8](context.encapsulatedKey)
    }

    /// Header, `enc` and ciphertext (RFC 9458 section 4.3), and what opens the answer.
    consuming func seal(_ message: [UInt8]) throws(Refusal) -> (body: [UInt8], answer: AnswerKeys) {
        let secret: SymmetricKey
        let ciphertext: Data
        do {
            ciphertext = try context.seal(message)
            secret = try context.exportSecret(
                context: EncapsulationSuite.responseLabel, outputByteCount: suite.responseNonceLength)
        } catch {
            throw Refusal(.keyInvalid, "the message cannot be sealed to the receiver's key")
        }
        var body = suite.header
        body.reserveCapacity(body.count + encapsulated.count + ciphertext.count)
        body.append(contentsOf: encapsulated)
        body.append(contentsOf: ciphertext)
        return (body, AnswerKeys(suite: suite, encapsulated: encapsulated, secret: secret))
    }
}

/// The receiver's side: takes one encapsulated request apart.
enum RequestOpener {
    /// Opens `body` with a key that is known to be of `suite`.
    ///
    /// - Throws: `suite-not-allowed` (the header is another key's), `record-authentication` (too short),
    ///   `key-invalid` (`enc` is no valid key), `reattestation-required` (it does not open).
    static func open(
        _ body: [UInt8], with key: any DecapsulationKey, suite: EncapsulationSuite
    ) throws(Refusal) -> (message: [UInt8], answer: AnswerKeys) {
        let headerLength = EncapsulationSuite.headerLength
        guard body.count >= headerLength else {
            throw Refusal(.recordAuthentication, "the encapsulated request is shorter than its header")
        }
        guard body[..<headerLength].elementsEqual(suite.header) else {
            throw Refusal(.suiteNotAllowed, "the request's header does not name the suite of the key it was sent to")
        }
        let ciphertextStart = headerLength + suite.encapsulatedKeyLength
        guard body.count >= ciphertextStart + EncapsulationSuite.tagLength else {
            throw Refusal(.recordAuthentication, "the encapsulated request is truncated")
        }
        let encapsulated = Array(body[headerLength..<ciphertextStart])
        var context: HPKE.Recipient
        do {
            context = try key.recipient(suite.ciphersuite, info: suite.requestInfo, encapsulated: encapsulated)
        } catch {
            throw Refusal(.keyInvalid, "the request's encapsulated key is not a valid key")
        }
        do {
            let message = try context.open(body[ciphertextStart...])
            let secret = try context.exportSecret(
                context: EncapsulationSuite.responseLabel, outputByteCount: suite.responseNonceLength)
            return ([UInt8](message), AnswerKeys(suite: suite, encapsulated: encapsulated, secret: secret))
        } catch {
            throw Refusal(.reattestationRequired, "no live key opens the request; fetch and verify evidence again")
        }
    }
}
