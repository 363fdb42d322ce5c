import Encoding

/// A COSE_Sign1 message signed with ECDSA P-384 and SHA-384, read but not verified.
///
/// ECDSA signatures have a twin: whoever has (r, s) also has (r, n − s), which verifies as well, so two different
/// messages may carry the same signed bytes. Nothing here uses a signature, or the digest of a whole message, as an
/// identity; caches go by certificates and bindings by signed fields.
///
/// - Source: RFC 9052 sections 4.2 and 4.4, RFC 9053 section 2.1.
struct COSESign1: Sendable {
    /// The encoded protected header, as it is signed.
    let protected: ArraySlice<UInt8>
    let payload: ArraySlice<UInt8>
    /// r and s, 48 big-endian bytes each.
    let signature: ArraySlice<UInt8>

    private static let tag: UInt8 = 18
    private static let algorithmLabel: UInt64 = 1
    private static let es384: Int64 = -35
    private static let signatureBytes = 96

    /// Reads a message, with or without its tag, that fills `bytes`.
    ///
    /// - Throws: `evidence-malformed`, also for any header but the algorithm, and for a signature in DER.
    init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        var reader = CBORReader(bytes)
        _ = try reader.takeTag(COSESign1.tag, "COSE_Sign1")
        var items = try reader.array("COSE_Sign1")
        try COSESign1.requireNext(&reader, &items)
        protected = try reader.byteString("protected header")
        try COSESign1.requireNext(&reader, &items)
        var unprotected = try reader.map("unprotected header")
        guard try reader.nextKey(&unprotected, "unprotected header") == nil else {
            throw Refusal(.evidenceMalformed, "COSE_Sign1 has an unprotected header that is not empty")
        }
        try COSESign1.requireNext(&reader, &items)
        payload = try reader.byteString("payload")
        try COSESign1.requireNext(&reader, &items)
        signature = try reader.byteString("signature")
        guard try !reader.hasNext(&items, "COSE_Sign1") else { throw COSESign1.wrongCount }
        try reader.finish("COSE_Sign1")
        try COSESign1.checkAlgorithm(protected)
        guard signature.count == COSESign1.signatureBytes else {
            throw Refusal(
                .evidenceMalformed,
                "the signature has \(signature.count) bytes; r and s of P-384 have \(COSESign1.signatureBytes)")
        }
    }

    private static var wrongCount: Refusal {
        Refusal(
            .evidenceMalformed, "COSE_Sign1 is an array of protected header, unprotected header, payload, signature")
    }

    private static func requireNext(
        _ reader: inout CBORReader, _ items: inout CBORReader.Items
    ) throws(Refusal) {
        guard try reader.hasNext(&items, "COSE_Sign1") else { throw wrongCount }
    }

    /// The algorithm stands alone in the protected header: nobody could act on anything else there.
    private static func checkAlgorithm(_ protected: ArraySlice<UInt8>) throws(Refusal) {
        var reader = CBORReader(protected)
        var header = try reader.map("protected header")
        guard try reader.nextKey(&header, "protected header") == .unsigned(algorithmLabel) else {
            throw Refusal(.evidenceMalformed, "the protected header does not begin with the algorithm")
        }
        let algorithm = try reader.negative("algorithm")
        guard algorithm == es384 else {
            throw Refusal(.evidenceMalformed, "COSE algorithm \(algorithm) is not \(es384) (ES384)")
        }
        guard try reader.nextKey(&header, "protected header") == nil else {
            throw Refusal(.evidenceMalformed, "the protected header has more than the algorithm")
        }
        try reader.finish("the protected header")
    }

    /// What the signature covers.
    var signedBytes: [UInt8] { COSESign1.signedBytes(protected: protected, payload: payload) }

    /// `Sig_structure` with context `Signature1` and no external data.
    static func signedBytes(protected: ArraySlice<UInt8>, payload: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + protected.count + 32)
        bytes.append(0x84)
        let context = Array("Signature1".utf8)
        bytes.append(0x60 | UInt8(truncatingIfNeeded: context.count))
        bytes += context
        bytes.appendCBOR(protected)
        bytes.appendCBOR([])
        bytes.appendCBOR(payload)
        return bytes
    }
}

extension [UInt8] {
    /// Appends a byte string with its length in the shortest form.
    fileprivate mutating func appendCBOR(_ content: ArraySlice<UInt8>) {
        let major: UInt8 = 0x40
        switch content.count {
        case ..<24: append(major | UInt8(truncatingIfNeeded: content.count))
        case ..<0x100:
            append(major | 24)
            append(UInt8(truncatingIfNeeded: content.count))
        case ..<0x1_0000:
            append(major | 25)
            appendBigEndian(UInt16(truncatingIfNeeded: content.count))
        case ..<0x1_0000_0000:
            append(major | 26)
            appendBigEndian(UInt32(truncatingIfNeeded: content.count))
        default:
            append(major | 27)
            appendBigEndian(UInt64(content.count))
        }
        append(contentsOf: content)
    }
}
