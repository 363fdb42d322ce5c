public import Encoding

/// What a TPM signs about its registers: a nonce, which registers, and a digest over their values.
///
/// - Source: TPM 2.0 Library, Part 2, TPMS_ATTEST with TPMS_QUOTE_INFO; `evidence.md` section 1.4.
public struct TPMQuote: Hashable, Sendable {
    /// The bytes that are signed.
    public let bytes: ArraySlice<UInt8>
    /// Name of the signing key under its parents, as the TPM computes it.
    public let qualifiedSigner: ArraySlice<UInt8>
    /// The nonce: whatever the caller of the TPM put in, at most 64 bytes.
    public let extraData: ArraySlice<UInt8>
    public let clock: Clock
    public let firmwareVersion: UInt64
    public let selections: [PCRSelection]
    /// Over the values of all selected registers, in order, by the hash of the signature.
    public let pcrDigest: ArraySlice<UInt8>

    /// - Source: TPMS_CLOCK_INFO.
    public struct Clock: Hashable, Sendable {
        /// Milliseconds that the TPM was powered.
        public let milliseconds: UInt64
        /// TPM resets and TPM restarts, or resumes, so far.
        public let resetCount: UInt32
        public let restartCount: UInt32
        /// Whether no greater value of `milliseconds` was reported before.
        public let isSafe: Bool
    }

    /// TPM_GENERATED_VALUE: a restricted key signs nothing that begins so but what its TPM made.
    static let magic: UInt32 = 0xff54_4347
    /// TPM_ST_ATTEST_QUOTE.
    static let type: UInt16 = 0x8018

    /// Reads an attestation structure that fills `bytes`.
    ///
    /// - Throws: `evidence-malformed` naming the field.
    public init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        self.bytes = bytes
        var reader = ByteReader(bytes)
        let magic: UInt32 = try reader.bigEndian("magic")
        guard magic == TPMQuote.magic else {
            throw Refusal(.evidenceMalformed, "the quote does not begin as what a TPM makes")
        }
        let type: UInt16 = try reader.bigEndian("type")
        guard type == TPMQuote.type else {
            throw Refusal(.evidenceMalformed, "attestation type 0x\(String(type, radix: 16)) is not a quote")
        }
        qualifiedSigner = try reader.sized("qualified signer")
        extraData = try reader.sized("extra data")
        guard extraData.count <= 64 else {
            throw Refusal(.evidenceMalformed, "a quote's extra data has at most 64 bytes, not \(extraData.count)")
        }
        clock = try Clock(&reader)
        firmwareVersion = try reader.bigEndian("firmware version")
        let count: UInt32 = try reader.bigEndian("number of PCR selections")
        guard (1...8).contains(count) else {
            throw Refusal(.evidenceMalformed, "a quote has 1 to 8 PCR selections, not \(count)")
        }
        var selections: [PCRSelection] = []
        for _ in 0..<count { selections.append(try PCRSelection(&reader)) }
        guard Set(selections.map(\.bank)).count == selections.count else {
            throw Refusal(.evidenceMalformed, "a quote selects a PCR bank twice")
        }
        self.selections = selections
        pcrDigest = try reader.sized("PCR digest")
        try reader.finish("the quote")
    }
}

extension TPMQuote.Clock {
    fileprivate init(_ reader: inout ByteReader) throws(Refusal) {
        milliseconds = try reader.bigEndian("clock")
        resetCount = try reader.bigEndian("reset count")
        restartCount = try reader.bigEndian("restart count")
        let safe = try reader.uint8("safe")
        guard safe <= 1 else { throw Refusal(.evidenceMalformed, "the quote's clock is neither safe nor unsafe") }
        isSafe = safe == 1
    }
}
