// swift-format-ignore-file: NeverUseForceTry, NeverForceUnwrap

import AttestationToken
import Crypto
import CryptoExtras
import Encoding
import Foundation
import TestSupport
import Testing

@testable import KeyService

@Suite struct WrappingTests {
    static let bytes = Hex.decode("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")!
    static let key = SymmetricKey(data: bytes)

    @Test(
        "the examples of RFC 5649 section 6",
        arguments: [
            (
                "c37b7e6492584340bed12207808941155068f738",
                "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"
            ), ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
        ])
    func published(_ plain: String, _ wrapped: String) throws {
        let (plain, wrapped) = (try #require(Hex.decode(plain)), try #require(Hex.decode(wrapped)))
        #expect(LibCrypto.aesWrapPadded(plain, key: WrappingTests.bytes) == wrapped)
        #expect(try AESKeyWrapPadding.unwrap(wrapped, with: WrappingTests.key) == plain)
    }

    @Test func `every length comes back`() throws {
        for count in Array(1...70) + [1_218, 2_375] {
            let content = Randomness.system.bytes(count)
            let wrapped = try #require(LibCrypto.aesWrapPadded(content, key: WrappingTests.bytes))
            #expect(wrapped.count == (count + 7) / 8 * 8 + 8)
            #expect(try AESKeyWrapPadding.unwrap(wrapped, with: WrappingTests.key) == content)
        }
        #expect(LibCrypto.aesWrapPadded([], key: WrappingTests.bytes) == nil)
        #expect(LibCrypto.aesWrapPadded([1], key: Array(WrappingTests.bytes.dropLast())) == nil)
    }

    @Test(arguments: [7, 8, 20, 32]) func `every changed bit is refused`(_ count: Int) throws {
        let wrapped = try #require(
            LibCrypto.aesWrapPadded([UInt8](repeating: 5, count: count), key: WrappingTests.bytes))
        for bit in 0..<wrapped.count * 8 {
            var changed = wrapped
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            let refusal = #expect(throws: Refusal.self) {
                try AESKeyWrapPadding.unwrap(changed, with: WrappingTests.key)
            }
            #expect(refusal?.code == .recordAuthentication)
        }
        for wrong in [
            [], Array(wrapped.dropLast()), Array(wrapped.dropLast(8)), wrapped + [UInt8](repeating: 0, count: 8),
        ] {
            #expect(throws: Refusal.self) { try AESKeyWrapPadding.unwrap(wrong, with: WrappingTests.key) }
        }
        #expect(throws: Refusal.self) {
            try AESKeyWrapPadding.unwrap(wrapped, with: SymmetricKey(data: [UInt8](repeating: 1, count: 24)))
        }
    }

    /// Wraps by the rules but with another initial value, which only somebody with the key could.
    @Test(
        "a wrong constant, length or padding inside a well-wrapped value is refused",
        arguments: ["a65959a700000007", "a65959a600000000", "a65959a600000009", "a65959a6ffffffff", "a65959a600000006"])
    func initialValues(_ initial: String) throws {
        var block = try #require(Hex.decode(initial)) + [1, 2, 3, 4, 5, 6, 7, 0]
        try AES.permute(&block, key: WrappingTests.key)
        #expect(throws: Refusal.self) { try AESKeyWrapPadding.unwrap(block, with: WrappingTests.key) }
    }

    private func python(_ script: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = ProjectFolders.python
        process.arguments = ["-c", script] + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test(
        "another implementation verifies the answer, unwraps the key, and agrees on it",
        .enabled(if: ProjectFolders.python != nil, "the tests' Python environment is not set up"),
        arguments: ["RSA_AES_KEY_WRAP_256", "CKM_RSA_AES_KEY_WRAP", "RSA_AES_KEY_WRAP_384"])
    func otherImplementation(_ enc: String) async throws {
        let fixture = try Fixture()
        try await fixture.importKey()
        let answer = await fixture.release(enc: enc)
        let jws = try #require(answer.json["value"]?.string)
        let script = """
            import base64, json, sys
            from cryptography import x509
            from cryptography.hazmat.primitives import hashes, keywrap, serialization
            from cryptography.hazmat.primitives.asymmetric import padding
            jws, enc, pem = sys.argv[1:]
            def decode(text): return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            head, body, signature = jws.split(".")
            chain = [x509.load_der_x509_certificate(base64.b64decode(c)) for c in json.loads(decode(head))["x5c"]]
            for lower, upper in zip(chain, chain[1:] + chain[-1:]): lower.verify_directly_issued_by(upper)
            names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            assert names.get_values_for_type(x509.DNSName) == ["keys.cloister.example"]
            chain[0].public_key().verify(decode(signature), (head + "." + body).encode(), padding.PKCS1v15(), hashes.SHA256())
            key = json.loads(decode(json.loads(decode(body))["response"]["key"]["key"]["key_hsm"]))
            wrapped = decode(key["ciphertext"])
            private = serialization.load_pem_private_key(pem.encode(), None)
            size = private.key_size // 8
            digest = {"256": hashes.SHA256(), "384": hashes.SHA384()}.get(enc[-3:], hashes.SHA1())
            transport = private.decrypt(wrapped[:size], padding.OAEP(padding.MGF1(digest), digest, None))
            print(keywrap.aes_key_unwrap_with_padding(transport, wrapped[size:]).hex())
            """
        let printed = try python(script, [jws, enc, Shared.wrappingKey.pkcs8PEMRepresentation])
        #expect(printed == Hex.encode(Fixture.k))
    }
}
