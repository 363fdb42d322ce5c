// A key that cannot be made fails the whole run, loudly.
// swift-format-ignore-file: NeverUseForceTry

import AttestationToken
import Crypto
import Encoding
import Evidence
import X509

/// One of several independent attestation services, each with keys of its own.
struct TestAuthority {
    let url: String
    let issuerKey: P256.Signing.PrivateKey
    let signingKey: P256.Signing.PrivateKey
    let keySet: IssuerKeySet

    init(
        _ url: String, issuerKey: P256.Signing.PrivateKey = P256.Signing.PrivateKey(),
        signingKey: P256.Signing.PrivateKey = P256.Signing.PrivateKey()
    ) {
        self.url = url
        self.issuerKey = issuerKey
        self.signingKey = signingKey
        let issuer = Fixture.certificate(
            .init(issuerKey.publicKey), name: "Test issuer", authority: true, signer: issuerKey)
        let leaf = Fixture.certificate(.init(signingKey.publicKey), name: url, authority: false, signer: issuerKey)
        keySet = try! IssuerKeySet(json: ["keys": [Fixture.entry("key", [leaf, issuer])]])
    }

    var issuer: PartyPolicy.Issuer {
        PartyPolicy.Issuer(
            pins: [Encoding.Digest(of: issuerKey.publicKey.derRepresentation)], simulated: true, url: url)
    }

    /// A token of this service about the fixture's unit.
    func token(
        _ runtime: RuntimeData = Fixture.runtimeData(), _ change: (inout [String: JSON]) -> Void = { _ in }
    ) -> String {
        var claims = Fixture.claims(runtime)
        claims["iss"] = .string(url)
        change(&claims)
        return Fixture.sign(claims, key: .es256(signingKey), kid: "key")
    }

    func verified(
        _ runtime: RuntimeData = Fixture.runtimeData(), _ change: (inout [String: JSON]) -> Void = { _ in }
    ) throws -> AttestationToken {
        try Fixture.verify(token(runtime, change), issuers: [issuer], keySets: [url: keySet])
    }
}

extension AuthoritySet {
    init(_ authorities: [TestAuthority], threshold: Int64) {
        self.init(issuers: authorities.map(\.issuer), threshold: threshold)
    }
}
