import Crypto
import Encoding
import Foundation
import Testing

@testable import Channel

/// RFC 9458's example uses a suite that Cloister does not offer; its key goes through the same code all the same.
extension Curve25519.KeyAgreement.PrivateKey: DecapsulationKey {
    func recipient(_ ciphersuite: HPKE.Ciphersuite, info: [UInt8], encapsulated: [UInt8]) throws -> HPKE.Recipient {
        try HPKE.Recipient(
            privateKey: self, ciphersuite: ciphersuite, info: Data(info), encapsulatedKey: Data(encapsulated))
    }
}

extension Curve25519.KeyAgreement.PublicKey: EncapsulationKey {
    func sender(_ ciphersuite: HPKE.Ciphersuite, info: [UInt8]) throws -> HPKE.Sender {
        try HPKE.Sender(recipientKey: self, ciphersuite: ciphersuite, info: Data(info))
    }
}

func hex(_ text: String) throws -> [UInt8] { try #require(Hex.decode(text)) }

struct `RFC 9180 vectors` {
    @Test(arguments: HPKEVector.all.indices)
    func `a published ciphertext opens and a published secret is exported`(index: Int) throws {
        let vector = HPKEVector.all[index]
        let aead: HPKE.AEAD = vector.aead == 1 ? .AES_GCM_128 : .AES_GCM_256
        let kem: HPKE.KEM = vector.kem == 0x0010 ? .P256_HKDF_SHA256 : .Curve25519_HKDF_SHA256
        let rawKey = try hex(vector.recipientKey)
        let key: any DecapsulationKey =
            vector.kem == 0x0010
            ? try P256.KeyAgreement.PrivateKey(rawRepresentation: rawKey)
            : try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: rawKey)
        var recipient = try key.recipient(
            HPKE.Ciphersuite(kem: kem, kdf: .HKDF_SHA256, aead: aead), info: hex(HPKEVector.info),
            encapsulated: hex(vector.encapsulated))
        for (sequence, ciphertext) in vector.ciphertexts.enumerated() {
            let plaintext = try recipient.open(hex(ciphertext), authenticating: Array("Count-\(sequence)".utf8))
            #expect(Hex.encode(plaintext) == HPKEVector.plaintext)
        }
        for (context, expected) in zip(HPKEVector.exporterContexts, vector.exports) {
            let secret = try recipient.exportSecret(context: hex(context), outputByteCount: 32)
            #expect(Hex.encode(secret.withUnsafeBytes { Array($0) }) == expected)
        }
    }
}

struct `X-Wing vectors` {
    @Test(arguments: XWingVector.all.indices)
    func `a published encapsulation gives the published secret`(index: Int) throws {
        let vector = XWingVector.all[index]
        let key = try XWingMLKEM768X25519.PrivateKey(seedRepresentation: hex(vector.seed), publicKey: nil)
        #expect(Digest(of: key.publicKey.rawRepresentation).hex == vector.publicKeyDigest)
        let secret = try key.decapsulate(Data(hex(vector.ciphertext)))
        #expect(Hex.encode(secret.withUnsafeBytes { Array($0) }) == vector.sharedSecret)
    }
}

/// Appendix A of RFC 9458: X25519, HKDF-SHA256, AES-128-GCM.
struct `RFC 9458 vector` {
    let suite = EncapsulationSuite(
        keyIdentifier: 1, kem: 0x0020, kdf: 0x0001, aead: 0x0001,
        ciphersuite: HPKE.Ciphersuite(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_128),
        encapsulatedKeyLength: 32, keyLength: 16)
    let secretKey = "3c168975674b2fa8e465970b79c8dcf09f1c741626480bd4c6162fc5b6a98e1a"
    let publicKey = "31e1f05a740102115220e9af918f738674aec95f54db6e04eb705aae8e798155"
    let request = "00034745540568747470730b6578616d706c652e636f6d012f"
    let info = "6d6573736167652f626874747020726571756573740001002000010001"
    let encapsulatedRequest = """
        010020000100014b28f881333e7c164ffc499ad9796f877f4e1051ee6d31bad19dec96c208b4726374e469135906992e1268c594d2a10c\
        695d858c40a026e7965e7d86b83dd440b2c0185204b4d63525
        """
    let response = "0140c8"
    let responseNonce = "c789e7151fcba46158ca84b04464910d"
    let encapsulatedResponse = "c789e7151fcba46158ca84b04464910d86f9013e404feea014e7be4a441f234f857fbd"

    @Test func `the header and the info are the published ones`() throws {
        #expect(Hex.encode(suite.header) == String(encapsulatedRequest.prefix(14)))
        #expect(Hex.encode(suite.requestInfo) == info)
    }

    @Test func `the published request opens, and its answer is the published response`() throws {
        let key = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: hex(secretKey))
        #expect(Hex.encode(key.publicKey.rawRepresentation) == publicKey)
        let opened = try RequestOpener.open(hex(encapsulatedRequest), with: key, suite: suite)
        #expect(Hex.encode(opened.message) == request)
        let sealed = try opened.answer.seal(hex(response), nonce: hex(responseNonce))
        #expect(Hex.encode(sealed) == encapsulatedResponse)
        #expect(try Hex.encode(opened.answer.open(hex(encapsulatedResponse))) == response)
    }

    @Test func `our own sealing of this suite opens again`() throws {
        let key = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: hex(secretKey))
        let sealed = try RequestSealer(to: key.publicKey, suite: suite).seal(hex(request))
        let opened = try RequestOpener.open(sealed.body, with: key, suite: suite)
        #expect(Hex.encode(opened.message) == request)
        let answer = try opened.answer.seal(hex(response), nonce: hex(responseNonce))
        #expect(try Hex.encode(sealed.answer.open(answer)) == response)
    }
}

/// Section 5 of RFC 9292. Our strict reader takes the known-length forms without trailers, and refuses the others.
struct `RFC 9292 examples` {
    /// Figure 8: a known-length request.
    let knownLengthRequest = """
        0003474554056874747073000a2f68656c6c6f2e747874406c0a757365722d6167656e74346375726c2f372e31362e33206c6962637572\
        6c2f372e31362e33204f70656e53534c2f302e392e376c207a6c69622f312e322e3304686f73740f7777772e6578616d706c652e636f6d\
        0f6163636570742d6c616e677561676506656e2c206d690000
        """
    /// Figure 9: the same request in indeterminate-length form, with ten bytes of padding.
    let indeterminateLengthRequest = """
        0203474554056874747073000a2f68656c6c6f2e7478740a757365722d6167656e74346375726c2f372e31362e33206c69626375726c2f\
        372e31362e33204f70656e53534c2f302e392e376c207a6c69622f312e322e3304686f73740f7777772e6578616d706c652e636f6d0f61\
        63636570742d6c616e677561676506656e2c206d6900000000000000000000000000
        """
    /// Figure 11: an indeterminate-length response after two informational ones.
    let indeterminateLengthResponse = """
        0340660772756e6e696e670a22736c65657020313522004067046c696e6b233c2f7374796c652e6373733e3b2072656c3d7072656c6f61\
        643b2061733d7374796c65046c696e6b243c2f7363726970742e6a733e3b2072656c3d7072656c6f61643b2061733d7363726970740040\
        c804646174651d4d6f6e2c203237204a756c20323030392031323a32383a353320474d5406736572766572064170616368650d6c617374\
        2d6d6f6469666965641d5765642c203232204a756c20323030392031393a31353a353620474d5404657461671422333461613338372d64\
        2d3135363865623030220d6163636570742d72616e6765730562797465730e636f6e74656e742d6c656e67746802353104766172790f41\
        63636570742d456e636f64696e670c636f6e74656e742d747970650a746578742f706c61696e003348656c6c6f20576f726c6421204d79\
        20636f6e74656e7420696e636c75646573206120747261696c696e672043524c462e0d0a0000
        """
    /// Figure 13: a known-length response with a trailer.
    let responseWithTrailer = """
        0140c8001d5468697320636f6e74656e7420636f6e7461696e732043524c462e0d0a0d07747261696c65720474657874
        """

    @Test func `the known-length request is read and written byte for byte`() throws {
        let parsed = try BinaryRequest(parsing: hex(knownLengthRequest))
        let expected = BinaryRequest(
            method: "GET", authority: "", path: "/hello.txt",
            fields: [
                BinaryField("user-agent", "curl/7.16.3 libcurl/7.16.3 OpenSSL/0.9.7l zlib/1.2.3"),
                BinaryField("host", "www.example.com"), BinaryField("accept-language", "en, mi"),
            ])
        #expect(parsed == expected)
        #expect(try Hex.encode(expected.encoded(padded: false)) == knownLengthRequest)
    }

    @Test func `a truncated form of the same request is refused`() throws {
        let whole = try hex(knownLengthRequest)
        for cut in 1...2 {
            #expect(throws: Refusal.self) { try BinaryRequest(parsing: Array(whole.dropLast(cut))) }
        }
    }

    @Test func `indeterminate-length forms and informational responses are refused`() throws {
        #expect(refusal { try BinaryRequest(parsing: hex(indeterminateLengthRequest)) } == "record-authentication")
        #expect(refusal { try BinaryResponse(parsing: hex(indeterminateLengthResponse)) } == "record-authentication")
    }

    @Test func `the known-length response is read up to its trailer, which is refused`() throws {
        let bytes = try hex(responseWithTrailer)
        let refused = try #require(throws: Refusal.self) { try BinaryResponse(parsing: bytes) }
        #expect(refused.detail.contains("trailers"))
        let trailer = try hex("0d07747261696c65720474657874")
        let response = try BinaryResponse(parsing: Array(bytes.dropLast(trailer.count)) + [0])
        #expect(response == BinaryResponse(status: 200, content: Array("This content contains CRLF.\r\n".utf8)))
    }
}
