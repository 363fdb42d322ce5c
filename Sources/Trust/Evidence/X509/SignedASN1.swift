import SwiftASN1

/// The outer shape that certificates and revocation lists share: signed part, algorithm, signature.
struct SignedASN1 {
    let tbsNode: ASN1Node
    let tbs: ArraySlice<UInt8>
    let algorithm: SignatureAlgorithm
    let signature: [UInt8]
    private let algorithmBytes: ArraySlice<UInt8>

    init(_ der: [UInt8]) throws {
        let root = try DER.parse(der)
        let parts = try DER.sequence(root, identifier: .sequence) { nodes in
            (try nodes.required(), try nodes.required(), try ASN1BitString(derEncoded: &nodes))
        }
        guard parts.2.paddingBits == 0 else { throw UnsupportedASN1.signatureAlgorithm }
        tbsNode = parts.0
        tbs = parts.0.encodedBytes
        algorithm = try SignatureAlgorithm(parts.1)
        algorithmBytes = parts.1.encodedBytes
        signature = Array(parts.2.bytes)
    }

    /// The algorithm is named twice, once unsigned; both must be the same bytes (RFC 5280 section 4.1.1.2).
    func requireSameAlgorithm(_ node: ASN1Node?) throws {
        guard let node, node.encodedBytes == algorithmBytes else { throw UnsupportedASN1.algorithmMismatch }
    }
}

extension ASN1NodeCollection.Iterator {
    /// The next node, which the production says is there.
    mutating func required() throws -> ASN1Node {
        guard let node = next() else { throw ASN1Error.truncatedASN1Field() }
        return node
    }
}

extension Error {
    /// Which rule of ASN.1 or of this verifier was broken, without any input bytes.
    var shortReason: String {
        switch self {
        case let error as UnsupportedASN1: String(describing: error)
        case let error as ASN1Error: String(describing: error.code)
        default: "invalid value"
        }
    }
}
