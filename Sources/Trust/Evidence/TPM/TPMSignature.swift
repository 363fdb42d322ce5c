import Crypto
public import Encoding

/// A signature by a TPM.
///
/// - Source: TPM 2.0 Library, Part 2, TPMT_SIGNATURE.
public struct TPMSignature: Hashable, Sendable {
    public enum Scheme: UInt16, Hashable, Sendable {
        /// RSASSA-PKCS1-v1_5.
        case rsassa = 0x0014
        /// RSASSA-PSS.
        case rsapss = 0x0016
        case ecdsa = 0x0018

        var name: String {
            switch self {
            case .rsassa: "RSASSA"
            case .rsapss: "RSAPSS"
            case .ecdsa: "ECDSA"
            }
        }
    }

    public let scheme: Scheme
    public let hash: TPMHash
    /// RSA: the signature alone. ECDSA: r, then s, big-endian.
    let numbers: [ArraySlice<UInt8>]

    /// An RSA signature that stands without the TPM's own frame, as Azure's guest tools hand it over.
    init(rsassa signature: ArraySlice<UInt8>, _ hash: TPMHash) {
        scheme = .rsassa
        self.hash = hash
        numbers = [signature]
    }

    /// Reads a TPMT_SIGNATURE that fills `bytes`.
    ///
    /// - Throws: `evidence-malformed` naming the field, also for schemes and hashes that no attestation key should use.
    public init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        var reader = ByteReader(bytes)
        scheme = try Scheme(reading: &reader, "signature scheme")
        hash = try TPMHash(reading: &reader, "signature hash")
        guard hash.forSignatures != nil else {
            throw Refusal(.evidenceMalformed, "a quote signed over \(hash.name) is not taken")
        }
        var numbers = [try reader.sized("signature")]
        if scheme == .ecdsa { numbers.append(try reader.sized("signature s")) }
        self.numbers = numbers
        try reader.finish("the TPM signature")
    }

    var detail: String { "\(scheme.name) with \(hash.name)" }

    /// Whether `key` made this signature over `message`.
    func isValid(over message: ArraySlice<UInt8>, by key: PublicKey) -> Bool {
        guard let hash = hash.forSignatures else { return false }
        switch (scheme, key) {
        case (.rsassa, .rsa):
            return key.isValid(signature: numbers[0], over: message, algorithm: .rsaPKCS1(hash))
        case (.rsapss, .rsa):
            return key.isValid(signature: numbers[0], over: message, algorithm: .rsaPSS(hash))
        case (.ecdsa, .p256(let key)):
            guard hash == .sha256, let raw = rawNumbers(32),
                let signature = try? P256.Signing.ECDSASignature(rawRepresentation: raw)
            else { return false }
            return key.isValidSignature(signature, for: SHA256.hash(data: message))
        case (.ecdsa, .p384(let key)):
            guard hash == .sha384, let raw = rawNumbers(48),
                let signature = try? P384.Signing.ECDSASignature(rawRepresentation: raw)
            else { return false }
            return key.isValidSignature(signature, for: SHA384.hash(data: message))
        case (.rsassa, _), (.rsapss, _), (.ecdsa, .rsa):
            return false
        }
    }

    /// r and s in `length` bytes each: TPMs differ in whether they leave zeros in front away.
    private func rawNumbers(_ length: Int) -> [UInt8]? {
        var raw: [UInt8] = []
        for number in numbers {
            guard number.count <= length else { return nil }
            raw += Array(repeating: 0, count: length - number.count) + number
        }
        return raw
    }
}

extension TPMSignature.Scheme {
    /// Reads a TPM_ALG_ID.
    init(reading reader: inout ByteReader, _ field: StaticString) throws(Refusal) {
        let id: UInt16 = try reader.bigEndian(field)
        guard let scheme = TPMSignature.Scheme(rawValue: id) else {
            throw Refusal(.evidenceMalformed, "\(field): algorithm \(id) is not RSASSA, RSAPSS or ECDSA")
        }
        self = scheme
    }
}
