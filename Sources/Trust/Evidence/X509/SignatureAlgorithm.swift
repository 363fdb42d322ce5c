import Crypto
import CryptoExtras
import SwiftASN1

/// A signature algorithm of X.509 certificates and revocation lists that evidence of any vendor uses.
///
/// - Source: RFC 5758 (ECDSA), RFC 8017 appendix A.2 (RSASSA-PKCS1-v1_5 and RSASSA-PSS).
public enum SignatureAlgorithm: Hashable, Sendable {
    /// A hash function, with the length of its output in bytes, which is also the only salt length taken for PSS.
    public enum Hash: Int, Hashable, Sendable {
        case sha256 = 32
        case sha384 = 48
        case sha512 = 64
    }

    case ecdsa(Hash)
    case rsaPKCS1(Hash)
    /// RSASSA-PSS with MGF1 over the same hash and a salt as long as the hash.
    case rsaPSS(Hash)
}

// MARK: Reading AlgorithmIdentifier

extension SignatureAlgorithm {
    /// Reads an `AlgorithmIdentifier`; every algorithm and every parameter that is not named above is refused.
    init(_ node: ASN1Node) throws {
        self = try DER.sequence(node, identifier: .sequence) { nodes in
            let algorithm = try ASN1ObjectIdentifier(derEncoded: &nodes)
            let parameters = nodes.next()
            switch algorithm {
            case .ecdsaWithSHA256: return try SignatureAlgorithm.ecdsa(.sha256).requiring(absent: parameters)
            case .ecdsaWithSHA384: return try SignatureAlgorithm.ecdsa(.sha384).requiring(absent: parameters)
            case .rsaWithSHA256: return try SignatureAlgorithm.rsaPKCS1(.sha256).requiring(nullOrAbsent: parameters)
            case .rsaWithSHA384: return try SignatureAlgorithm.rsaPKCS1(.sha384).requiring(nullOrAbsent: parameters)
            case .rsaWithSHA512: return try SignatureAlgorithm.rsaPKCS1(.sha512).requiring(nullOrAbsent: parameters)
            case .rsaPSS: return .rsaPSS(try SignatureAlgorithm.pssHash(parameters))
            default: throw UnsupportedASN1.signatureAlgorithm
            }
        }
    }

    private func requiring(absent parameters: ASN1Node?) throws -> SignatureAlgorithm {
        guard parameters == nil else { throw UnsupportedASN1.signatureAlgorithm }
        return self
    }

    private func requiring(nullOrAbsent parameters: ASN1Node?) throws -> SignatureAlgorithm {
        if let parameters { _ = try ASN1Null(derEncoded: parameters) }
        return self
    }

    /// `RSASSA-PSS-params`: hash [0], mask generation [1], salt length [2], trailer field [3].
    private static func pssHash(_ parameters: ASN1Node?) throws -> Hash {
        guard let parameters else { throw UnsupportedASN1.signatureAlgorithm }
        return try DER.sequence(parameters, identifier: .sequence) { nodes in
            let hash = try DER.explicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) { node in
                try Hash(algorithmIdentifier: node)
            }
            let maskHash = try DER.explicitlyTagged(&nodes, tagNumber: 1, tagClass: .contextSpecific) { node in
                try DER.sequence(node, identifier: .sequence) { inner in
                    guard try ASN1ObjectIdentifier(derEncoded: &inner) == .mgf1, let hash = inner.next() else {
                        throw UnsupportedASN1.signatureAlgorithm
                    }
                    return try Hash(algorithmIdentifier: hash)
                }
            }
            let saltLength = try DER.explicitlyTagged(&nodes, tagNumber: 2, tagClass: .contextSpecific) { node in
                try Int(derEncoded: node)
            }
            // AMD's older certificates write the default trailer field out, which strict DER would leave away.
            let trailer = try DER.optionalExplicitlyTagged(&nodes, tagNumber: 3, tagClass: .contextSpecific) { node in
                try Int(derEncoded: node)
            }
            guard hash == maskHash, saltLength == hash.rawValue, trailer ?? 1 == 1 else {
                throw UnsupportedASN1.signatureAlgorithm
            }
            return hash
        }
    }
}

extension SignatureAlgorithm.Hash {
    fileprivate init(algorithmIdentifier node: ASN1Node) throws {
        self = try DER.sequence(node, identifier: .sequence) { nodes in
            let algorithm = try ASN1ObjectIdentifier(derEncoded: &nodes)
            if let parameters = nodes.next() { _ = try ASN1Null(derEncoded: parameters) }
            switch algorithm {
            case .sha256: return .sha256
            case .sha384: return .sha384
            case .sha512: return .sha512
            default: throw UnsupportedASN1.signatureAlgorithm
            }
        }
    }
}

/// Well-formed ASN.1 that names something this verifier does not know.
enum UnsupportedASN1: Error {
    case signatureAlgorithm
    case publicKey
    case version
    case algorithmMismatch
    case duplicateExtension
    case criticalExtension
    case constraints
    case length
    case time
    case oversized
}

extension ASN1ObjectIdentifier {
    static let ecdsaWithSHA256: ASN1ObjectIdentifier = [1, 2, 840, 10045, 4, 3, 2]
    static let ecdsaWithSHA384: ASN1ObjectIdentifier = [1, 2, 840, 10045, 4, 3, 3]
    static let rsaEncryptionKey: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 1]
    static let mgf1: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 8]
    static let rsaPSS: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 10]
    static let rsaWithSHA256: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 11]
    static let rsaWithSHA384: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 12]
    static let rsaWithSHA512: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 13]
    static let sha256: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 2, 1]
    static let sha384: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 2, 2]
    static let sha512: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 2, 3]
    static let ecPublicKey: ASN1ObjectIdentifier = [1, 2, 840, 10045, 2, 1]
    static let p256: ASN1ObjectIdentifier = [1, 2, 840, 10045, 3, 1, 7]
    static let p384: ASN1ObjectIdentifier = [1, 3, 132, 0, 34]
    static let commonName: ASN1ObjectIdentifier = [2, 5, 4, 3]
}
