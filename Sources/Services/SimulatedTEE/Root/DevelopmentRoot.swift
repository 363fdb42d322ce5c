import Crypto
import CryptoExtras
import Dispatch
package import Encoding
package import Evidence
package import EvidenceForge
import Synchronization

/// The private keys that stand where the vendors' and one machine's stand: a secret from which most are derived, and those
/// of RSA.
///
/// Whoever holds it can make evidence of any measurement. It protects nothing.
package struct DevelopmentRoot: Sendable {
    /// From which `KeyRing` derives everything but RSA keys, 32 bytes.
    let secret: [UInt8]
    let rsa: [KeyRing.RSAName: _RSA.Signing.PrivateKey]
    let madeAt: Timestamp

    /// Makes a new root.
    ///
    /// - Parameters:
    ///   - time: moment of making; certificates are valid from one day before it.
    ///   - keys: how RSA keys are made.
    /// - Throws: when the crypto library fails to make a key.
    package static func make(
        at time: Timestamp, keys: RSAKeys = .vendor, randomness: Randomness = .system
    ) throws -> DevelopmentRoot {
        DevelopmentRoot(secret: randomness.bytes(32), rsa: try keys.make(), madeAt: time)
    }

    /// Keys, identifiers and everything else that is the machine's own.
    package var keys: KeyRing { KeyRing(secret: secret, rsa: rsa) }

    /// Until when certificates hold, and collateral that begins at `time`.
    package func dates(collateralFrom time: Timestamp) -> Dates {
        Dates(issued: madeAt - Dates.day, collateral: time)
    }

    /// The vendors' web services that publish under this root.
    package var vendorEndpoints: VendorEndpoints { VendorEndpoints(keys: keys, issued: madeAt - Dates.day) }

    /// The public half, which a verifier must be told by name (formats section 11).
    ///
    /// - Throws: `not-ready` when the crypto library fails.
    package func simulatedRoot() throws(Refusal) -> SimulatedRoot {
        do { return try .forged(keys: keys, dates: dates(collateralFrom: madeAt)) } catch {
            throw Refusal(.notReady, "the crypto library made no roots")
        }
    }

    /// A root for tests, made once per process with quick keys; its certificates hold from 2024-12-31 to 2031.
    package static let forTests = Result { try make(at: Timestamp(seconds: 1_735_689_600), keys: .quick) }

    /// How RSA keys are made.
    package enum RSAKeys: Sendable {
        /// Each as long as its vendor's: up to 4,096 bits, seconds of work.
        case vendor
        /// One of 2,048 bits for all of them: for tests, which would otherwise wait for keys.
        case quick

        fileprivate func make() throws -> [KeyRing.RSAName: _RSA.Signing.PrivateKey] {
            let names = KeyRing.RSAName.allCases
            switch self {
            case .quick:
                let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
                return Dictionary(uniqueKeysWithValues: names.map { ($0, key) })
            case .vendor:
                let keys = Mutex<[KeyRing.RSAName: _RSA.Signing.PrivateKey]>([:])
                DispatchQueue.concurrentPerform(iterations: names.count) { index in
                    let name = names[index]
                    let key = try? _RSA.Signing.PrivateKey(keySize: .init(bitCount: name.bits))
                    keys.withLock { $0[name] = key }
                }
                let made = keys.withLock { $0 }
                guard made.count == names.count else { throw CryptoKitError.incorrectKeySize }
                return made
            }
        }
    }
}
