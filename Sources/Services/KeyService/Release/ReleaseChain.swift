import CryptoExtras
import Encoding
import SwiftASN1
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The RSA keys and certificates under which release answers are signed: leaf, intermediate, root.
///
/// The root's private key is forgotten once the intermediate is signed; the others are kept in the key database.
struct ReleaseChain {
    private(set) var host: String
    /// DER, like the two below.
    private(set) var leaf: [UInt8]
    private(set) var leafKey: _RSA.Signing.PrivateKey
    private(set) var leafEnds: Timestamp
    let intermediate: [UInt8]
    private let intermediateKey: _RSA.Signing.PrivateKey
    let root: [UInt8]

    private static let format = "cloister-release-signing/1"
    private static let rootName = "Cloister key release root"
    private static let intermediateName = "Cloister key release"
    /// Life of root and intermediate, and of a leaf, in seconds.
    private static let authorityLifetime: Int64 = 10 * 365 * 86_400
    private static let leafLifetime: Int64 = 398 * 86_400

    /// A new root and everything below it.
    init(host: String, at time: Timestamp) throws(Refusal) {
        do {
            let rootKey = try _RSA.Signing.PrivateKey(keySize: .bits3072)
            intermediateKey = try _RSA.Signing.PrivateKey(keySize: .bits3072)
            root = try Self.authority(Self.rootName, rootKey, pathLength: 1, signedBy: rootKey, at: time)
            intermediate = try Self.authority(
                Self.intermediateName, intermediateKey, pathLength: 0, signedBy: rootKey, at: time)
            self.host = host
            (leaf, leafKey, leafEnds) = try Self.leaf(host: host, at: time, signedBy: intermediateKey)
        } catch {
            throw Refusal(.notReady, "the release signing chain cannot be made: \(type(of: error))")
        }
    }

    mutating func renewLeaf(host: String, at time: Timestamp) throws(Refusal) {
        do {
            (leaf, leafKey, leafEnds) = try Self.leaf(host: host, at: time, signedBy: intermediateKey)
            self.host = host
        } catch {
            throw Refusal(.notReady, "the release signing certificate cannot be renewed: \(type(of: error))")
        }
    }
}

// MARK: Certificates

extension ReleaseChain {
    private static func authority(
        _ name: String, _ key: _RSA.Signing.PrivateKey, pathLength: Int, signedBy issuerKey: _RSA.Signing.PrivateKey,
        at time: Timestamp
    ) throws -> [UInt8] {
        try certificate(
            name, key, issuer: rootName, issuerKey, from: time, until: time + authorityLifetime,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: pathLength))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
            })
    }

    private static func leaf(
        host: String, at time: Timestamp, signedBy issuerKey: _RSA.Signing.PrivateKey
    ) throws -> ([UInt8], _RSA.Signing.PrivateKey, Timestamp) {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let until = time + leafLifetime
        let certificate = try certificate(
            String(host.prefix(64)), key, issuer: intermediateName, issuerKey, from: time, until: until,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                SubjectAlternativeNames([name(of: host)])
            })
        return (certificate, key, until)
    }

    /// An IPv4 address is named as one; everything else is a DNS name.
    private static func name(of host: String) -> GeneralName {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        let octets = parts.compactMap { $0 }
        guard parts.count == 4, octets.count == 4 else { return .dnsName(host) }
        return .ipAddress(ASN1OctetString(contentBytes: octets[...]))
    }

    private static func certificate(
        _ name: String, _ key: _RSA.Signing.PrivateKey, issuer: String, _ issuerKey: _RSA.Signing.PrivateKey,
        from: Timestamp, until: Timestamp, extensions: Certificate.Extensions
    ) throws -> [UInt8] {
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(key.publicKey),
            // Clocks of those who check may be a little behind.
            notValidBefore: Date(timeIntervalSince1970: Double(from.seconds - 300)),
            notValidAfter: Date(timeIntervalSince1970: Double(until.seconds)),
            issuer: try DistinguishedName { CommonName(issuer) }, subject: try DistinguishedName { CommonName(name) },
            signatureAlgorithm: .sha256WithRSAEncryption, extensions: extensions,
            issuerPrivateKey: Certificate.PrivateKey(issuerKey))
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }
}

// MARK: Stored form

extension ReleaseChain {
    var stored: [UInt8] {
        func text(_ bytes: some Sequence<UInt8>) -> JSON { .string(Base64.encodeURL(bytes)) }
        let json: JSON = [
            "format": .string(Self.format), "host": .string(host), "intermediate": text(intermediate),
            "intermediateKey": text(intermediateKey.pkcs8DERRepresentation), "leaf": text(leaf),
            "leafEnds": .integer(leafEnds.seconds), "leafKey": text(leafKey.pkcs8DERRepresentation), "root": text(root),
        ]
        return json.canonical
    }

    init(stored: [UInt8]) throws(Refusal) {
        let code = RefusalCode.stateRollback
        let json = try JSON.parseCanonical(stored, "release signing chain", refusing: code)
        var members = try ObjectReader(json, "release signing chain", refusing: code)
        try members.format(Self.format)
        host = try members.string("host")
        root = try members.bytes("root")
        intermediate = try members.bytes("intermediate")
        leaf = try members.bytes("leaf")
        leafEnds = try members.time("leafEnds")
        let keys = (try members.bytes("intermediateKey"), try members.bytes("leafKey"))
        try members.finish()
        guard let intermediateKey = try? _RSA.Signing.PrivateKey(derRepresentation: keys.0),
            let leafKey = try? _RSA.Signing.PrivateKey(derRepresentation: keys.1)
        else { throw Refusal(code, "the release signing chain has keys that cannot be read") }
        self.intermediateKey = intermediateKey
        self.leafKey = leafKey
    }
}
