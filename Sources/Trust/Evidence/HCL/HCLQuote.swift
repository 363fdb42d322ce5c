public import Encoding

/// A quote of an Azure VM's TPM as its guest tools hand it over: RSASSA with SHA-256, and the SHA-256 registers.
///
/// - Source: kinvolk/azure-cvm-tooling, `az-cvm-vtpm`, type `Quote`.
public struct HCLQuote: Hashable, Sendable {
    /// TPMS_ATTEST.
    public var message: [UInt8]
    /// The RSA signature alone.
    public var signature: [UInt8]
    /// Values of the SHA-256 registers from 0 on, 32 bytes each.
    public var pcrs: [[UInt8]]

    public init(message: [UInt8], signature: [UInt8], pcrs: [[UInt8]]) {
        self.message = message
        self.signature = signature
        self.pcrs = pcrs
    }

    /// Reads the quote as the tools store it in a file (Rust's bincode): signature and message, each behind its length of 8
    /// bytes, little-endian; the number of registers, likewise; their values.
    ///
    /// - Throws: `evidence-malformed`.
    public init(bincode bytes: [UInt8]) throws(Refusal) {
        var reader = ByteReader(bytes)
        func count(_ field: StaticString) throws(Refusal) -> Int {
            guard let count = Int(exactly: try reader.littleEndian(UInt64.self, field)) else {
                throw Refusal(.evidenceMalformed, "\(field) is beyond all bounds")
            }
            return count
        }
        signature = Array(try reader.take(try count("signature length"), "signature"))
        message = Array(try reader.take(try count("message length"), "quote message"))
        let registers = try count("number of PCRs")
        guard registers <= HCLQuote.maximumRegisters else { throw HCLQuote.tooMany }
        pcrs = []
        for _ in 0..<registers { pcrs.append(Array(try reader.take(TPMHash.sha256.byteCount, "PCR"))) }
        try reader.finish("the quote file")
    }

    static let maximumRegisters = 32
    static let tooMany = Refusal(.evidenceMalformed, "a TPM has at most \(maximumRegisters) registers a bank")

    /// - Throws: `evidence-malformed`.
    func signed() throws(Refusal) -> SignedTPMQuote {
        guard pcrs.count <= HCLQuote.maximumRegisters else { throw HCLQuote.tooMany }
        var values: PCRValues = [:]
        for (index, value) in pcrs.enumerated() {
            guard value.count == TPMHash.sha256.byteCount else {
                throw Refusal(.evidenceMalformed, "PCR \(index) has not the 32 bytes of the SHA-256 bank")
            }
            values[PCR(.sha256, index)] = value
        }
        return SignedTPMQuote(
            quote: try TPMQuote(message[...]), signature: TPMSignature(rsassa: signature[...], .sha256),
            suppliedValues: values)
    }
}
