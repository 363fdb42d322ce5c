import Crypto
import CryptoExtras
import Encoding
import KeyRelease
import SwiftASN1

/// A released key as the JWK that workloads get: private members and all.
///
/// - Source: sidecars page section 6, step 7; RFC 7518 section 6.
enum ReleasedJWK {
    /// - Throws: `key-invalid` for a kind that is not supported, and for material that is not of the announced kind.
    static func json(_ released: KeyReleaseResponse) throws(Refusal) -> JSON {
        let kind = released.kty.hasSuffix("-HSM") ? String(released.kty.dropLast(4)) : released.kty
        var members = try released.material.withBytes { bytes throws(Refusal) in
            switch kind {
            case "oct": return ["k": JSON.string(Base64.encodeURL(bytes))]
            case "RSA": return try rsa(try privateKey(bytes, rsaID, "RSA"))
            case "EC": return try ec(try privateKey(bytes, ecID, "EC"))
            default: throw Refusal(.keyInvalid, "released key type \(kind.prefix(20)) not supported")
            }
        }
        members["kty"] = .string(kind)
        if !released.operations.isEmpty { members["key_ops"] = .array(released.operations.map(JSON.string)) }
        return .object(members)
    }

    private static let rsaID: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 1]
    private static let ecID: ASN1ObjectIdentifier = [1, 2, 840, 10045, 2, 1]
    /// By object identifier: the name in a JWK, and the length of a coordinate in bytes.
    private static let curves: [ASN1ObjectIdentifier: (name: String, length: Int)] = [
        [1, 2, 840, 10045, 3, 1, 7]: ("P-256", 32), [1, 3, 132, 0, 34]: ("P-384", 48),
        [1, 3, 132, 0, 35]: ("P-521", 66), [1, 3, 132, 0, 10]: ("P-256K", 32),
    ]

    private static func wrong(_ kind: String) -> Refusal {
        Refusal(.keyInvalid, "the released key is not the PKCS#8 form of a key of kind \(kind)")
    }

    /// `PrivateKeyInfo` (RFC 5958): version, algorithm with parameters, the key in an OCTET STRING.
    private struct Info {
        var curve: ASN1ObjectIdentifier?
        var key: [UInt8]
    }

    private static func privateKey(
        _ bytes: [UInt8], _ expected: ASN1ObjectIdentifier, _ kind: String
    ) throws(Refusal) -> Info {
        do {
            return try DER.sequence(try DER.parse(bytes), identifier: .sequence) { nodes in
                guard try Int(derEncoded: &nodes) <= 1, let algorithm = nodes.next() else { throw wrong(kind) }
                let curve: ASN1ObjectIdentifier? = try DER.sequence(algorithm, identifier: .sequence) { inner in
                    guard try ASN1ObjectIdentifier(derEncoded: &inner) == expected else { throw wrong(kind) }
                    let parameters = inner.next()
                    return expected == ecID ? try parameters.map { try ASN1ObjectIdentifier(derEncoded: $0) } : nil
                }
                let key = try ASN1OctetString(derEncoded: &nodes)
                while nodes.next() != nil {}
                return Info(curve: curve, key: Array(key.bytes))
            }
        } catch {
            throw wrong(kind)
        }
    }

    /// `RSAPrivateKey` (RFC 8017 appendix A.1.2): version 0 and eight numbers.
    private static func rsa(_ info: Info) throws(Refusal) -> [String: JSON] {
        let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"]
        do {
            _ = try _RSA.Signing.PrivateKey(derRepresentation: info.key)
            return try DER.sequence(try DER.parse(info.key), identifier: .sequence) { nodes in
                guard try Int(derEncoded: &nodes) == 0 else { throw wrong("RSA") }
                var members: [String: JSON] = [:]
                for name in names {
                    let number = try ArraySlice<UInt8>(derEncoded: &nodes)
                    members[name] = .string(Base64.encodeURL(number.drop { $0 == 0 }))
                }
                return members
            }
        } catch {
            throw wrong("RSA")
        }
    }

    /// `ECPrivateKey` (RFC 5915): version 1, the number, the curve again, the point.
    private static func ec(_ info: Info) throws(Refusal) -> [String: JSON] {
        guard let id = info.curve, let curve = curves[id] else { throw wrong("EC") }
        let parts: (d: [UInt8], point: [UInt8])
        do {
            parts = try DER.sequence(try DER.parse(info.key), identifier: .sequence) { nodes in
                guard try Int(derEncoded: &nodes) == 1 else { throw wrong("EC") }
                let number = Array(try ASN1OctetString(derEncoded: &nodes).bytes)
                _ = try DER.optionalExplicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) { _ in true }
                let point = try DER.optionalExplicitlyTagged(&nodes, tagNumber: 1, tagClass: .contextSpecific) {
                    Array(try ASN1BitString(derEncoded: $0).bytes)
                }
                return (number, point ?? [])
            }
        } catch {
            throw wrong("EC")
        }
        let point = try publicPoint(of: parts.d, curve.name) ?? parts.point
        guard parts.d.count == curve.length, point.count == 2 * curve.length + 1, point.first == 4,
            parts.point.isEmpty || parts.point == point
        else { throw wrong("EC") }
        return [
            "crv": .string(curve.name), "d": .string(Base64.encodeURL(parts.d)),
            "x": .string(Base64.encodeURL(point[1...curve.length])),
            "y": .string(Base64.encodeURL(point[(curve.length + 1)...])),
        ]
    }

    /// The uncompressed point that belongs to a private number; nil for a curve that the crypto library lacks.
    private static func publicPoint(of d: [UInt8], _ curve: String) throws(Refusal) -> [UInt8]? {
        do {
            switch curve {
            case "P-256": return Array(try P256.Signing.PrivateKey(rawRepresentation: d).publicKey.x963Representation)
            case "P-384": return Array(try P384.Signing.PrivateKey(rawRepresentation: d).publicKey.x963Representation)
            case "P-521": return Array(try P521.Signing.PrivateKey(rawRepresentation: d).publicKey.x963Representation)
            default: return nil
            }
        } catch {
            throw wrong("EC")
        }
    }
}
