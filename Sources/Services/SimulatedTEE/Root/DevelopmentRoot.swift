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
    ///   - keys: how AMD-shaped keys are made.
    /// - Throws: when the crypto library fails to make a key.
    package static func make(
        at time: Timestamp, keys: RSAKeys = .vendor, randomness: Randomness = .system
    ) throws -> DevelopmentRoot {
        let certifier = RootCertifier(time: time)
        let sgxRoot = try certifier.sgxRoot()
        let processor = try certifier.processorAuthority(under: sgxRoot)
        let arkKeys = try keys.make(count: SNPProduct.allCases.count + 1)
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

    /// A root for tests, made once per process with quick keys; its certificates hold from 2024-12-31 to 2031.
    package static let forTests = Result { try make(at: Timestamp(seconds: 1_735_689_600), keys: .quick) }

    /// How the keys of the AMD-shaped authorities are made.
    package enum RSAKeys: Sendable {
        /// One of 4,096 bits each, as AMD's: seconds of work each.
        case vendor
        /// One of 2,048 bits for all of them: for tests, which would otherwise wait for keys.
        case quick

        fileprivate func make(count: Int) throws -> [_RSA.Signing.PrivateKey] {
            switch self {
            case .quick:
                return [_RSA.Signing.PrivateKey](repeating: try .init(keySize: .bits2048), count: count)
            case .vendor:
                let keys = Mutex<[_RSA.Signing.PrivateKey]>([])
                DispatchQueue.concurrentPerform(iterations: count) { _ in
                    guard let key = try? _RSA.Signing.PrivateKey(keySize: .bits4096) else { return }
                    keys.withLock { $0.append(key) }
                }
                let made = keys.withLock { $0 }
                guard made.count == count else { throw CryptoKitError.incorrectKeySize }
                return made
            }
        }
    }
}
