import Crypto
import CryptoExtras
import Dispatch
package import Encoding
package import Evidence
import Synchronization

/// The private keys and certificates that stand where the vendors' stand: an SGX root with its processor CA, and AMD's
/// root key of each product with the chain of one Milan chip.
///
/// Whoever holds it can make evidence of any measurement. It protects nothing.
package struct DevelopmentRoot: Sendable {
    /// A key with its certificate.
    struct Holder: Sendable {
        var key: AuthorityKey
        var certificate: [UInt8]
    }

    let sgxRoot: Holder
    let processorAuthority: Holder
    let tcbSigning: Holder
    /// The provisioning certification key of the simulated machine.
    let pck: Holder

    let arks: [SNPProduct: Holder]
    let ask: Holder
    let vcek: P384.Signing.PrivateKey
    let vcekCertificate: [UInt8]
    /// CHIP_ID of the simulated processor, 64 bytes.
    let chipID: [UInt8]

    /// Makes a new root.
    ///
    /// - Parameters:
    ///   - time: moment of making. Certificates are valid from one day before it: authorities for 20 years, the
    ///     machine's own keys for 7, as the vendors' are.
    ///   - rsaBits: length of AMD-shaped keys. 4,096 as AMD's, a few seconds each; tests take less.
    /// - Throws: when the crypto library fails to make a key.
    package static func make(
        at time: Timestamp, rsaBits: Int = 4_096, randomness: Randomness = .system
    ) throws -> DevelopmentRoot {
        let certifier = RootCertifier(time: time)
        let sgxRoot = try certifier.sgxRoot()
        let processor = try certifier.processorAuthority(under: sgxRoot)
        let arkKeys = try rsaKeys(count: SNPProduct.allCases.count + 1, bits: rsaBits)
        var arks: [SNPProduct: Holder] = [:]
        for (product, key) in zip(SNPProduct.allCases, arkKeys) {
            arks[product] = try certifier.ark(product, key: key)
        }
        let product = SimulatedPlatform.SNP.product
        guard let ark = arks[product], let askKey = arkKeys.last else { throw CryptoKitError.incorrectKeySize }
        let ask = try certifier.ask(product, key: askKey, under: ark)
        let vcek = P384.Signing.PrivateKey()
        let chipID = randomness.bytes(64)
        return DevelopmentRoot(
            sgxRoot: sgxRoot, processorAuthority: processor, tcbSigning: try certifier.tcbSigning(under: sgxRoot),
            pck: try certifier.pck(identifier: randomness.bytes(16), under: processor), arks: arks, ask: ask,
            vcek: vcek, vcekCertificate: try certifier.vcek(vcek.publicKey, chipID: chipID, under: ask), chipID: chipID)
    }

    /// The public half, which a verifier must be told by name (formats section 11).
    package func simulatedRoot() throws(Refusal) -> SimulatedRoot {
        var members: [String: JSON] = [:]
        for (product, ark) in arks {
            members[product.rawValue] = .string(PEM.encode(ark.certificate, label: "CERTIFICATE"))
        }
        let json: JSON = .object([
            "format": "cloister-simulated-root/1",
            "sgxRoot": .string(PEM.encode(sgxRoot.certificate, label: "CERTIFICATE")),
            "arks": .object(members),
        ])
        return try SimulatedRoot(json: json.canonical)
    }

    /// A root for tests, made once per process with shorter RSA keys; its certificates hold from 2024-12-31 to 2031.
    package static let forTests = Result { try make(at: Timestamp(seconds: 1_735_689_600), rsaBits: 2_048) }

    /// RSA keys take seconds each: one core makes one.
    private static func rsaKeys(count: Int, bits: Int) throws -> [_RSA.Signing.PrivateKey] {
        let keys = Mutex<[_RSA.Signing.PrivateKey]>([])
        let size = _RSA.Signing.KeySize(bitCount: bits)
        DispatchQueue.concurrentPerform(iterations: count) { _ in
            guard let key = try? _RSA.Signing.PrivateKey(keySize: size) else { return }
            keys.withLock { $0.append(key) }
        }
        let made = keys.withLock { $0 }
        guard made.count == count else { throw CryptoKitError.incorrectKeySize }
        return made
    }
}
