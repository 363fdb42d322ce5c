import Crypto
import CryptoExtras
public import Encoding

/// The public part of a signing key in a TPM, with what the TPM does with it.
///
/// - Source: TPM 2.0 Library, Part 2, TPMT_PUBLIC.
public struct TPMPublicArea: Sendable {
    public let key: PublicKey
    public let attributes: Attributes
    /// The only scheme and hash that the key signs with.
    public let scheme: TPMSignature.Scheme
    public let hash: TPMHash

    /// - Source: TPMA_OBJECT.
    public struct Attributes: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32

        public init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// The key cannot leave its TPM.
        public static let fixedTPM = Attributes(rawValue: 1 << 1)
        public static let fixedParent = Attributes(rawValue: 1 << 4)
        /// The TPM made the private part itself.
        public static let sensitiveDataOrigin = Attributes(rawValue: 1 << 5)
        /// Signs only what the TPM made, or what cannot be taken for it.
        public static let restricted = Attributes(rawValue: 1 << 16)
        public static let decrypt = Attributes(rawValue: 1 << 17)
        public static let sign = Attributes(rawValue: 1 << 18)
    }

    /// Whether the key can only sign what its TPM states.
    public var isAttestationKey: Bool {
        attributes.isSuperset(of: [.fixedTPM, .fixedParent, .sensitiveDataOrigin, .restricted, .sign])
            && !attributes.contains(.decrypt)
    }

    private static let rsa: UInt16 = 0x0001
    private static let ecc: UInt16 = 0x0023
    private static let null: UInt16 = 0x0010

    /// Reads a TPMT_PUBLIC that fills `bytes`.
    ///
    /// - Throws: `evidence-malformed` naming the field, also for anything but an RSA, P-256 or P-384 signing key.
    public init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        var reader = ByteReader(bytes)
        let type: UInt16 = try reader.bigEndian("key type")
        _ = try TPMHash(reading: &reader, "name algorithm")
        attributes = Attributes(rawValue: try reader.bigEndian("object attributes"))
        _ = try reader.sized("authorisation policy")
        let symmetric: UInt16 = try reader.bigEndian("symmetric algorithm")
        guard symmetric == TPMPublicArea.null else {
            throw Refusal(.evidenceMalformed, "a TPM key with a symmetric algorithm is not a signing key")
        }
        scheme = try TPMSignature.Scheme(reading: &reader, "key scheme")
        hash = try TPMHash(reading: &reader, "key hash")
        switch type {
        case TPMPublicArea.rsa: key = try TPMPublicArea.rsaKey(&reader)
        case TPMPublicArea.ecc: key = try TPMPublicArea.ellipticKey(&reader)
        default: throw Refusal(.evidenceMalformed, "TPM key type \(type) is neither RSA nor elliptic")
        }
        try reader.finish("the TPM public area")
    }

    /// Reads a TPM2B_PUBLIC that fills `bytes`: the same with its length in front.
    public init(sized bytes: ArraySlice<UInt8>) throws(Refusal) {
        var reader = ByteReader(bytes)
        let area = try reader.sized("public area")
        try reader.finish("the sized TPM public area")
        try self.init(area)
    }

    private static func rsaKey(_ reader: inout ByteReader) throws(Refusal) -> PublicKey {
        let bits: UInt16 = try reader.bigEndian("RSA key bits")
        let exponent: UInt32 = try reader.bigEndian("RSA exponent")
        let modulus = Array(try reader.sized("RSA modulus"))
        guard modulus.count == Int(bits) / 8 else {
            throw Refusal(.evidenceMalformed, "the TPM's RSA modulus has not the length that it says")
        }
        // The TPM writes its default exponent as 0.
        var exponentBytes: [UInt8] = []
        exponentBytes.appendBigEndian(exponent == 0 ? 65_537 : exponent)
        return try PublicKey(modulus: modulus, exponent: exponentBytes)
    }

    private static func ellipticKey(_ reader: inout ByteReader) throws(Refusal) -> PublicKey {
        let curve: UInt16 = try reader.bigEndian("curve")
        let derivation: UInt16 = try reader.bigEndian("key derivation")
        guard derivation == null else {
            throw Refusal(.evidenceMalformed, "a TPM key with a key derivation is not a signing key")
        }
        let (x, y) = (try reader.sized("x"), try reader.sized("y"))
        let length: Int? = [3: 32, 4: 48][curve]
        guard let length, x.count <= length, y.count <= length else {
            throw Refusal(.evidenceMalformed, "the TPM's key is not a point on P-256 or P-384")
        }
        func padded(_ number: ArraySlice<UInt8>) -> [UInt8] {
            Array(repeating: 0, count: length - number.count) + number
        }
        let point = padded(x) + padded(y)
        if length == 32, let key = try? P256.Signing.PublicKey(rawRepresentation: point) { return .p256(key) }
        if length == 48, let key = try? P384.Signing.PublicKey(rawRepresentation: point) { return .p384(key) }
        throw Refusal(.evidenceMalformed, "the TPM's key is not a point on its curve")
    }
}

extension PublicKey {
    /// An RSA key of 2,048 to 4,096 bits by its numbers, big-endian.
    ///
    /// - Throws: `evidence-malformed`.
    init(modulus: [UInt8], exponent: [UInt8]) throws(Refusal) {
        guard modulus.count <= 512, exponent.count <= 8,
            let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent)
        else { throw Refusal(.evidenceMalformed, "the RSA key is not one of 2,048 to 4,096 bits") }
        self = .rsa(key)
    }

    /// DER of the `SubjectPublicKeyInfo`, for comparing keys of different origin.
    var subjectPublicKeyInfo: [UInt8] {
        switch self {
        case .p256(let key): Array(key.derRepresentation)
        case .p384(let key): Array(key.derRepresentation)
        case .rsa(let key): Array(key.derRepresentation)
        }
    }

    /// SHA-256 of `subjectPublicKeyInfo`: the form in which Cloister pins keys (formats section 1).
    public var pin: Encoding.Digest { Encoding.Digest(of: subjectPublicKeyInfo) }
}
