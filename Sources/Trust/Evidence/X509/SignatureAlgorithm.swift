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
    init(_ node: DERValue) throws {
        self = try node.members { nodes in
            let algorithm = try nodes.required().objectIdentifier
            let parameters = try nodes.next()
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

    private func requiring(absent parameters: DERValue?) throws -> SignatureAlgorithm {
        guard parameters == nil else { throw UnsupportedASN1.signatureAlgorithm }
        return self
    }

    private func requiring(nullOrAbsent parameters: DERValue?) throws -> SignatureAlgorithm {
        try parameters?.requireNull()
        return self
    }

    /// `RSASSA-PSS-params`: hash [0], mask generation [1], salt length [2], trailer field [3].
    private static func pssHash(_ parameters: DERValue?) throws -> Hash {
        guard let parameters else { throw UnsupportedASN1.signatureAlgorithm }
        return try parameters.members { nodes in
            let hash = try nodes.required().members(of: DERValue.Tag.explicit(0)) { inner in
                try Hash(algorithmIdentifier: inner.required())
            }
            let maskHash = try nodes.required().members(of: DERValue.Tag.explicit(1)) { inner in
                try inner.required().members { function in
                    guard try function.required().objectIdentifier == .mgf1 else {
                        throw UnsupportedASN1.signatureAlgorithm
                    }
                    return try Hash(algorithmIdentifier: function.required())
                }
            }
            let saltLength: Int = try nodes.required().members(of: DERValue.Tag.explicit(2)) { inner in
                try inner.required().unsigned()
            }
            // AMD's older certificates write the default trailer field out, which strict DER would leave away.
            let trailer: Int? = try nodes.next()?.members(of: DERValue.Tag.explicit(3)) { inner in
                try inner.required().unsigned()
            }
            guard hash == maskHash, saltLength == hash.rawValue, trailer ?? 1 == 1 else {
                throw UnsupportedASN1.signatureAlgorithm
            }
            return hash
        }
    }
}

extension SignatureAlgorithm.Hash {
    fileprivate init(algorithmIdentifier node: DERValue) throws {
        self = try node.members { nodes in
            let algorithm = try nodes.required().objectIdentifier
            try nodes.next()?.requireNull()
            switch algorithm {
            case .sha256: return .sha256
            case .sha384: return .sha384
            case .sha512: return .sha512
            default: throw UnsupportedASN1.signatureAlgorithm
            }
        }
    }
}
