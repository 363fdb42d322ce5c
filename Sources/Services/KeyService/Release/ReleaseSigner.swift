import AttestationToken
import Crypto
package import Encoding
import Evidence
import ServiceKit

/// Signs release answers: RS256 by an RSA leaf that names the service's host, under an intermediate, under the root
/// that the owner's party card pins (key API reference, section 8.6).
package struct ReleaseSigner: Sendable {
    private let key: SigningKey
    private let header: [String: JSON]
    /// SHA-256 of the root's SPKI.
    package let pin: Encoding.Digest

    /// A leaf with less left, in seconds, is replaced at start.
    private static let renewal: Int64 = 90 * 86_400

    /// Reads the chain from `path`, or makes it; replaces the leaf when it is for another host or near its end.
    ///
    /// - Throws: `insecure-configuration` when others can read the file; `state-rollback` when it is not such a file.
    package init(
        path: String, host: String, flavour: VaultSettings.Flavour = .premium, at time: Timestamp
    ) throws(Refusal) {
        var chain: ReleaseChain
        if let bytes = try SecretFile.read(path, what: "the release signing key") {
            chain = try ReleaseChain(stored: bytes)
            if chain.host == host, chain.leafEnds - time > ReleaseSigner.renewal {
                self = try ReleaseSigner(chain, flavour)
                return
            }
            try chain.renewLeaf(host: host, at: time)
        } else {
            chain = try ReleaseChain(host: host, at: time)
        }
        do throws(AtomicFile.Failure) { try AtomicFile.write(chain.stored, to: path, mode: 0o600) } catch {
            throw Refusal(.notReady, "the release signing key cannot be written")
        }
        try self.init(chain, flavour)
    }

    private init(_ chain: ReleaseChain, _ flavour: VaultSettings.Flavour) throws(Refusal) {
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
        self.header = header
        pin = try Certificate(der: chain.root, refusing: .stateRollback).pin
    }

    func sign(_ payload: JSON) throws(Refusal) -> String {
        try key.sign(header: header, payload: payload.canonical)
    }
}
