import AttestationToken
import Crypto
import Encoding

/// A party's policy key, which is the party, and its release key if it ships units.
struct PartyKeys: Sendable {
    let policy: P256.Signing.PrivateKey
    let release: P256.Signing.PrivateKey

    /// Reads the keys of the folder, or makes them there (mode 0600).
    init(_ party: Party, in state: StateFolder) throws(CommandFailure) {
        policy = try PartyKeys.load(state.party(party, "keys/policy.pem"), create: true)
        release = try PartyKeys.load(state.party(party, "keys/release.pem"), create: true)
    }

    /// The party id.
    var id: Encoding.Digest { partyID(of: policy.publicKey) }

    static func load(_ path: String, create: Bool) throws(CommandFailure) -> P256.Signing.PrivateKey {
        if Files.exists(path) {
            do { return try P256.Signing.PrivateKey(pemRepresentation: try Files.text(path)) } catch {
                throw .usage("\(path) is not a P-256 private key in PEM")
            }
        }
        guard create else { throw .usage("there is no key \(path)") }
        let key = P256.Signing.PrivateKey()
        try Files.write((key.pemRepresentation + "\n").utf8, to: path)
        return key
    }
}
