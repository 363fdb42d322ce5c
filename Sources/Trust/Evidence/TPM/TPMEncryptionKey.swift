import CryptoExtras
public import Encoding

/// An RSA key to encrypt for, which a TPM holds and its attestation key certified.
///
/// - Source: TPM 2.0 Library, Part 2, TPMT_PUBLIC and TPMS_CERTIFY_INFO; Part 3, TPM2_Certify.
public struct TPMEncryptionKey: Sendable {
    /// Big-endian without leading zeros.
    public let modulus: [UInt8]
    public let exponent: [UInt8]

    private static let rsa: UInt16 = 0x0001
    private static let null: UInt16 = 0x0010
    private static let rsaes: UInt16 = 0x0015
    /// TPM_ST_ATTEST_CERTIFY.
    private static let certification: UInt16 = 0x8017

    /// - Parameters:
    ///   - area: TPMT_PUBLIC, or TPM2B_PUBLIC.
    ///   - statement: the TPMS_ATTEST that certifies it.
    ///   - signature: over the statement; RSASSA with SHA-256 as bare bytes, or a TPMT_SIGNATURE.
    ///   - attestationKey: whose word it is.
    /// - Throws: `evidence-malformed`; `evidence-signature`; `binding-mismatch` when another key was certified.
    public init(
        area: [UInt8], certifiedBy statement: [UInt8], signature: [UInt8], of attestationKey: PublicKey
    ) throws(Refusal) {
        let area = TPMEncryptionKey.unsized(area[...])
        var reader = ByteReader(area)
        let type: UInt16 = try reader.bigEndian("key type")
        let nameHash = try TPMHash(reading: &reader, "name algorithm")
        let attributes = TPMPublicArea.Attributes(rawValue: try reader.bigEndian("object attributes"))
        _ = try reader.sized("authorisation policy")
        let symmetric: UInt16 = try reader.bigEndian("symmetric algorithm")
        let scheme: UInt16 = try reader.bigEndian("key scheme")
        guard type == TPMEncryptionKey.rsa, symmetric == TPMEncryptionKey.null,
            scheme == TPMEncryptionKey.null || scheme == TPMEncryptionKey.rsaes,
            attributes.isSuperset(of: [.fixedTPM, .sensitiveDataOrigin, .decrypt]), !attributes.contains(.restricted)
        else { throw Refusal(.evidenceMalformed, "the encryption key is not an RSA key that its TPM made to decrypt") }
        let bits: UInt16 = try reader.bigEndian("RSA key bits")
        let exponent: UInt32 = try reader.bigEndian("RSA exponent")
        let modulus = Array(try reader.sized("RSA modulus"))
        try reader.finish("the TPM public area")
        var exponentBytes: [UInt8] = []
        // The TPM writes its default exponent as 0.
        exponentBytes.appendBigEndian(exponent == 0 ? 65_537 : exponent)
        self.exponent = Array(exponentBytes.drop { $0 == 0 })
        guard (2_048...4_096).contains(bits), modulus.count == Int(bits) / 8,
            (try? _RSA.Encryption.PublicKey(n: modulus, e: self.exponent)) != nil
        else { throw Refusal(.evidenceMalformed, "the encryption key is not one of 2,048 to 4,096 bits") }
        self.modulus = modulus
        guard try TPMSignature(signature, by: attestationKey).isValid(over: statement[...], by: attestationKey) else {
            throw Refusal(.evidenceSignature, "the attestation key's signature over the encryption key is wrong")
        }
        var name: [UInt8] = []
        name.appendBigEndian(nameHash.rawValue)
        name += nameHash.digest(Array(area))
        guard try TPMEncryptionKey.certifiedName(statement[...]).elementsEqual(name) else {
            throw Refusal(.bindingMismatch, "the attestation key certified another key than the encryption key")
        }
    }

    private static func unsized(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var reader = ByteReader(bytes)
        guard let area = try? reader.sized("public area"), reader.isAtEnd else { return bytes }
        return area
    }

    /// The name of the object that a TPMS_ATTEST certifies.
    private static func certifiedName(_ statement: ArraySlice<UInt8>) throws(Refusal) -> ArraySlice<UInt8> {
        var reader = ByteReader(statement)
        let magic: UInt32 = try reader.bigEndian("magic")
        let type: UInt16 = try reader.bigEndian("type")
        guard magic == TPMQuote.magic, type == certification else {
            throw Refusal(.evidenceMalformed, "the encryption key's statement is not a TPM's certification")
        }
        _ = try reader.sized("qualified signer")
        _ = try reader.sized("extra data")
        _ = try reader.take(17 + 8, "clock and firmware version")
        let name = try reader.sized("certified name")
        _ = try reader.sized("qualified name")
        try reader.finish("the certification")
        return name
    }
}

extension TPMSignature {
    /// Reads a TPMT_SIGNATURE, or an RSASSA signature with SHA-256 that stands alone.
    fileprivate init(_ bytes: [UInt8], by key: PublicKey) throws(Refusal) {
        if case .rsa(let key) = key, bytes.count == key.keySizeInBits / 8 {
            self.init(rsassa: bytes[...], .sha256)
        } else {
            try self.init(bytes[...])
        }
    }
}

extension HCLQuote {
    /// A quote whose signature stands alone or in the TPM's frame, with the values of some registers.
    ///
    /// - Parameter registers: values of SHA-256 registers by index.
    /// - Throws: `evidence-malformed`.
    public init(message: [UInt8], anySignature signature: [UInt8], registers: [Int: [UInt8]]) throws(Refusal) {
        guard registers.keys.allSatisfy({ (0..<HCLQuote.maximumRegisters).contains($0) }) else {
            throw HCLQuote.tooMany
        }
        let absent = [UInt8](repeating: 0, count: TPMHash.sha256.byteCount)
        // Values of registers that are not quoted are not looked at.
        let values = (0...(registers.keys.max() ?? 0)).map { registers[$0] ?? absent }
        // The frame is scheme, hash and length, two bytes each, in front of an RSA signature.
        let framed = signature.starts(with: [0x00, 0x14, 0x00, 0x0b]) && signature.count % 128 == 6
        self.init(message: message, signature: framed ? Array(signature.dropFirst(6)) : signature, pcrs: values)
    }
}
