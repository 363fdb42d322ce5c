import Crypto
import CryptoExtras
import Encoding
import Foundation
import SwiftASN1

/// The private numbers of an RSA key, read from its PKCS#1 form as a foreign tool would.
struct RSANumbers {
    private let numbers: [[UInt8]]

    init(_ key: _RSA.Signing.PrivateKey) throws {
        numbers = try DER.sequence(try DER.parse(Array(key.derRepresentation)), identifier: .sequence) { nodes in
            var numbers: [[UInt8]] = []
            while let node = nodes.next() {
                numbers.append(Array(try ArraySlice<UInt8>(derEncoded: node).drop { $0 == 0 }))
            }
            return numbers
        }
    }

    func jwk(kty: String) -> JSON {
        let names = ["", "n", "e", "d", "p", "q", "dp", "dq", "qi"]
        var members: [String: JSON] = ["kty": .string(kty)]
        for (name, number) in zip(names, numbers) where !name.isEmpty {
            members[name] = .string(Base64.encodeURL(number))
        }
        return .object(members)
    }
}

/// Private EC keys as JWK, one for each curve.
struct ECVector {
    let jwk: JSON
    let pkcs8: [UInt8]

    static let all: [ECVector] = {
        let p256 = P256.Signing.PrivateKey()
        let p384 = P384.Signing.PrivateKey()
        let p521 = P521.Signing.PrivateKey()
        return [
            ECVector("P-256", p256.rawRepresentation, p256.publicKey.rawRepresentation, p256.derRepresentation),
            ECVector("P-384", p384.rawRepresentation, p384.publicKey.rawRepresentation, p384.derRepresentation),
            ECVector("P-521", p521.rawRepresentation, p521.publicKey.rawRepresentation, p521.derRepresentation),
        ]
    }()

    private init(_ curve: String, _ d: Data, _ point: Data, _ pkcs8: Data) {
        let half = point.count / 2
        jwk = [
            "kty": "EC-HSM", "crv": .string(curve), "d": .string(Base64.encodeURL(d)),
            "x": .string(Base64.encodeURL(point.prefix(half))), "y": .string(Base64.encodeURL(point.suffix(half))),
        ]
        self.pkcs8 = Array(pkcs8)
    }
}
