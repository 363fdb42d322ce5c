import AttestationToken
import Crypto
import CryptoExtras
import Encoding

/// The form in which a key ring lies in the state folder: one JSON file, readable by its owner alone.
enum SigningKeyFile {
    /// Longest file that is read, in bytes.
    static let maximumBytes = 1_048_576
    private static let format = "cloister-signing-keys/1"

    static func encode(_ ring: SigningKeyRing) -> [UInt8] {
        let json: JSON = [
            "format": .string(format),
            "issuer": [
                "certificate": .string(Base64.encodeStandard(ring.issuerCertificate)),
                "key": .string(ring.issuerKey.pemRepresentation),
            ],
            "signing": .array(ring.entries.map(encode)),
        ]
        return json.canonical
    }

    private static func encode(_ entry: SigningKeyRing.Entry) -> JSON {
        var members: [String: JSON] = [
            "algorithm": .string(entry.algorithm),
            "certificate": .string(Base64.encodeStandard(entry.certificate)),
            "createdAt": .integer(entry.createdAt.seconds),
        ]
        if let key = entry.key {
            members["key"] =
                switch key {
                case .rs256(let key): .string(key.pemRepresentation)
                case .es256(let key): .string(key.pemRepresentation)
                case .es384(let key): .string(key.pemRepresentation)
                }
        }
        if let retiredAt = entry.retiredAt { members["retiredAt"] = .integer(retiredAt.seconds) }
        return .object(members)
    }

    /// - Throws: `insecure-configuration` for anything but the format: keys are never replaced silently, since every
    ///   relying party would have to pin anew.
    static func decode(_ bytes: [UInt8], issuerURL: String) throws(Refusal) -> SigningKeyRing {
        let code = RefusalCode.insecureConfiguration
        let json = try JSON.parseCanonical(bytes, "signing key file", refusing: code)
        var members = try ObjectReader(json, "signing key file", refusing: code)
        try members.format(format)
        var issuer = try ObjectReader(try members.value("issuer"), "issuer", refusing: code)
        let list = try members.array("signing")
        try members.finish()
        guard let certificate = Base64.decode(try issuer.string("certificate"), .lenient),
            let issuerKey = try? P256.Signing.PrivateKey(pemRepresentation: try issuer.string("key"))
        else { throw Refusal(code, "the issuer key in the signing key file cannot be read") }
        try issuer.finish()
        var entries: [SigningKeyRing.Entry] = []
        for value in list { entries.append(try entry(value)) }
        return SigningKeyRing(
            issuerURL: issuerURL, issuerKey: issuerKey, issuerCertificate: certificate, entries: entries)
    }

    private static func entry(_ json: JSON) throws(Refusal) -> SigningKeyRing.Entry {
        let code = RefusalCode.insecureConfiguration
        var members = try ObjectReader(json, "signing key", refusing: code)
        let algorithm = try members.string("algorithm")
        let certificate = Base64.decode(try members.string("certificate"), .lenient)
        let createdAt = try members.time("createdAt")
        let retiredAt = members.has("retiredAt") ? try members.time("retiredAt") : nil
        let text = members.has("key") ? try members.string("key") : nil
        try members.finish()
        var key: SigningKey?
        if let text {
            switch algorithm {
            case "RS256": key = (try? _RSA.Signing.PrivateKey(pemRepresentation: text)).map(SigningKey.rs256)
            case "ES256": key = (try? P256.Signing.PrivateKey(pemRepresentation: text)).map(SigningKey.es256)
            case "ES384": key = (try? P384.Signing.PrivateKey(pemRepresentation: text)).map(SigningKey.es384)
            default: break
            }
        }
        guard let certificate, (key != nil) == (text != nil) else {
            throw Refusal(code, "a key in the signing key file cannot be read")
        }
        return SigningKeyRing.Entry(
            algorithm: algorithm, key: key, certificate: certificate, createdAt: createdAt, retiredAt: retiredAt)
    }
}
