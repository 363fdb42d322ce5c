/// The outer shape that certificates and revocation lists share: signed part, algorithm, signature.
struct SignedASN1 {
    let tbs: DERValue
    let algorithm: SignatureAlgorithm
    let signature: [UInt8]
    private let algorithmBytes: ArraySlice<UInt8>

    init(_ der: [UInt8]) throws {
        let parts = try DERValue(parsing: der).members { nodes in
            (try nodes.required(), try nodes.required(), try nodes.required().bits)
        }
        guard parts.2.unused == 0 else { throw UnsupportedASN1.signatureAlgorithm }
        tbs = parts.0
        algorithm = try SignatureAlgorithm(parts.1)
        algorithmBytes = parts.1.encoded
        signature = Array(parts.2.bytes)
    }

    /// The algorithm is named twice, once unsigned; both must be the same bytes (RFC 5280 section 4.1.1.2).
    func requireSameAlgorithm(_ node: DERValue) throws {
        guard node.encoded == algorithmBytes else { throw UnsupportedASN1.algorithmMismatch }
    }
}
