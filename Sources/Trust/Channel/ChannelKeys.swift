import Crypto
public import Encoding
import Synchronization

/// The private channel keys of one identity epoch: one X-Wing, one P-256.
///
/// They are made here, never leave, and are let go by `end()`; from then on nothing sent to them opens, which also ends
/// every chance of a replay. A class, because an epoch has one set of keys however often it is passed around.
/// BoringSSL wipes the P-256 scalar when it is freed; swift-crypto frees the X-Wing seed without wiping it.
public final class ChannelKeys: Sendable {
    private struct Pair: Sendable {
        let xwing: XWingMLKEM768X25519.PrivateKey
        let p256: P256.KeyAgreement.PrivateKey
    }

    /// The public halves, strongest suite first.
    public let configurations: [KeyConfiguration]
    private let pair: Mutex<Pair?>

    /// Makes fresh keys.
    ///
    /// - Throws: `key-invalid` when the cryptographic library cannot make a key.
    public static func generate() throws(Refusal) -> ChannelKeys {
        do {
            return ChannelKeys(Pair(xwing: try .generate(), p256: P256.KeyAgreement.PrivateKey()))
        } catch {
            throw Refusal(.keyInvalid, "no channel keys can be made on this machine")
        }
    }

    private init(_ pair: Pair) {
        configurations = [
            KeyConfiguration(suite: .xwing, publicKey: [UInt8](pair.xwing.publicKey.rawRepresentation)),
            KeyConfiguration(suite: .p256, publicKey: [UInt8](pair.p256.publicKey.x963Representation)),
        ]
        self.pair = Mutex(pair)
    }

    /// The list for the member `ohttp` of the runtime data.
    public var ohttp: [UInt8] { KeyConfiguration.encodeList(configurations) }

    /// Lets the private keys go: whatever was or will be sealed to them no longer opens.
    public func end() {
        pair.withLock { $0 = nil }
    }

    /// Opens an encapsulated request.
    ///
    /// - Parameters:
    ///   - body: the outer body, at most `SealedMessage.maximumBytes`.
    ///   - name: the configuration's name from the request's path.
    ///   - allowed: the suites that may be used here.
    /// - Throws: the outer errors of formats section 4: `too-large`, `reattestation-required` (unknown name, ended epoch,
    ///   or it does not open), `suite-not-allowed`, `record-authentication`, `key-invalid`.
    public func open(
        _ body: [UInt8], named name: Encoding.Digest, allowing allowed: Set<Suite> = Set(Suite.allCases)
    ) throws(Refusal) -> (message: [UInt8], exchange: ServerExchange) {
        guard body.count <= SealedMessage.maximumBytes else {
            throw Refusal(.tooLarge, "an encapsulated request is at most \(SealedMessage.maximumBytes) bytes")
        }
        guard let configuration = configurations.first(where: { $0.name == name }),
            let pair = pair.withLock({ $0 })
        else {
            throw Refusal(.reattestationRequired, "no live key has this name; fetch and verify evidence again")
        }
        guard allowed.contains(configuration.suite) else {
            throw Refusal(.suiteNotAllowed, "the suite \(configuration.suite.rawValue) is not accepted here")
        }
        let key: any DecapsulationKey =
            switch configuration.suite {
            case .xwing: pair.xwing
            case .p256: pair.p256
            }
        let opened = try RequestOpener.open(body, with: key, suite: configuration.suite.encapsulation)
        return (opened.message, ServerExchange(configuration: configuration, answer: opened.answer))
    }
}
