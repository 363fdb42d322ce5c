import AttestationToken
import Crypto
package import Encoding
import Evidence
import ServiceKit

#if canImport(Glibc)
    import Glibc
#endif

/// Signs release answers: RS256 by an RSA leaf that names the service's host, under an intermediate, under the root
/// that the owner's party card pins (key API reference, section 8.6).
package struct ReleaseSigner: Sendable {
    private let key: SigningKey
    /// With the whole chain, for every answer the same.
    private let header: String
    /// SHA-256 of the root's SPKI.
    package let pin: Encoding.Digest

    /// A leaf with less left, in seconds, is replaced at start.
    private static let renewal: Int64 = 90 * 86_400

    /// Reads the chain from the database, or makes it; replaces the leaf when it is for another host or near its end.
    ///
    /// - Parameter former: the file that had the chain before the database did. It is taken in once, so that the pin
    ///   stays, and then removed: its keys are not sealed.
    /// - Throws: `insecure-configuration` when others can read that file; `state-rollback` when it is not such a file;
    ///   `block-authentication` when somebody else wrote into the database; `not-ready`.
    package init(
        store: KeyStore, former path: String, host: String, flavour: VaultSettings.Flavour = .premium,
        at time: Timestamp
    ) throws(Refusal) {
        let kept = try store.atStart { try $0.signingChain() }
        var chain: ReleaseChain
        if let kept {
            chain = try ReleaseChain(stored: kept)
        } else if let former = try SecretFile.read(path, what: "the release signing key") {
            chain = try ReleaseChain(stored: former)
        } else {
            chain = try ReleaseChain(host: host, at: time)
        }
        if chain.host != host || chain.leafEnds - time <= ReleaseSigner.renewal {
            try chain.renewLeaf(host: host, at: time)
        }
        let stored = chain.stored
        if stored != kept { try store.atStart { try $0.keep(signingChain: stored) } }
        if unsafe unlink(path) != 0, errno != ENOENT {
            throw Refusal(.notReady, "the former file of the release signing key cannot be removed")
        }
        try self.init(chain, flavour)
    }

    init(_ chain: ReleaseChain, _ flavour: VaultSettings.Flavour = .premium) throws(Refusal) {
        let certificates = [chain.leaf, chain.intermediate, chain.root]
        key = .rs256(chain.leafKey)
        let sha1 = Array(Insecure.SHA1.hash(data: chain.leaf))
        let digest = JSON.string(Encoding.Digest(of: chain.leaf).description)
        var header: [String: JSON] = [
            "x5c": .array(certificates.map { .string(Base64.encodeStandard($0)) }), "x5t#S256": digest,
        ]
        if flavour == .managedHSM {
            header["kid"] = digest
        } else {
            header["kid"] = .string(Hex.encode(sha1))
            header["typ"] = "JWT"
            header["x5t"] = .string(Base64.encodeURL(sha1))
        }
        self.header = key.encode(header)
        pin = try Certificate(der: chain.root, refusing: .stateRollback).pin
    }

    func sign(_ payload: JSON) throws(Refusal) -> String {
        try key.sign(encodedHeader: header, payload: payload.canonical)
    }
}
