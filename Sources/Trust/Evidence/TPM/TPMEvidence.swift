public import Encoding

/// A quote with its signature and the register values that explain its digest.
public struct SignedTPMQuote: Sendable {
    public let quote: TPMQuote
    public let signature: TPMSignature
    /// As supplied: unsigned, and perhaps of more registers than the quote covers.
    let suppliedValues: PCRValues
}

/// Evidence of a TPM: the attestation key, quotes by it, and the event log behind the registers, parsed, not verified.
///
/// - Source: google/go-tpm-tools, message `attest.Attestation`.
public struct TPMEvidence: Sendable {
    /// Longest evidence that is read.
    public static let maximumBytes = 1 << 20

    public let attestationKey: TPMPublicArea
    public let quotes: [SignedTPMQuote]
    /// A TCG event log as the firmware left it; nil when there is none.
    public let eventLog: ArraySlice<UInt8>?
    /// The key's certificate, then its issuers, as received; empty when there is none.
    public let certificates: [ArraySlice<UInt8>]
    /// Parts of the message that say nothing here, by name.
    let unreadParts: [String]

    /// Fields of the message `attest.Attestation`.
    private enum Number {
        static let attestationKey: UInt64 = 1
        static let quote: UInt64 = 2
        static let eventLog: UInt64 = 3
        static let certificate: UInt64 = 6
        static let issuer: UInt64 = 7
        /// Nothing signs these, or another kind of evidence would be needed to say what they are worth.
        static let unread: [UInt64: String] = [
            4: "instance information", 5: "canonical event log", 8: "SNP attestation", 9: "TDX attestation",
        ]
    }

    /// Reads a message that fills `bytes`.
    ///
    /// - Throws: `evidence-malformed` for anything but the message with one attestation key and 1 to 8 quotes.
    public init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        guard bytes.count <= TPMEvidence.maximumBytes else {
            throw Refusal(.evidenceMalformed, "TPM evidence of \(bytes.count) bytes is longer than any")
        }
        var reader = ProtobufReader(bytes, "TPM attestation")
        var single: [UInt64: ArraySlice<UInt8>] = [:]
        var quotes: [SignedTPMQuote] = []
        var issuers: [ArraySlice<UInt8>] = []
        while let field = try reader.next() {
            let content = try field.bytes()
            switch field.number {
            case Number.quote: quotes.append(try SignedTPMQuote(content))
            case Number.issuer: issuers.append(content)
            case Number.attestationKey, Number.eventLog, Number.certificate, 4, 5, 8, 9:
                guard single.updateValue(content, forKey: field.number) == nil else { throw field.repeated }
            default: throw field.unknown
            }
            guard quotes.count <= 8, issuers.count <= AttestationKeyChain.maximumCertificates else {
                throw Refusal(.evidenceMalformed, "a TPM attestation has at most 8 quotes and a short chain")
            }
        }
        guard let key = single[Number.attestationKey], !quotes.isEmpty else {
            throw Refusal(.evidenceMalformed, "a TPM attestation has an attestation key and a quote")
        }
        let attestationKey = try TPMPublicArea(key)
        for signed in quotes
        where signed.signature.scheme != attestationKey.scheme || signed.signature.hash != attestationKey.hash {
            throw Refusal(
                .evidenceMalformed, "a quote is signed by \(signed.signature.detail), not by the key's scheme")
        }
        self.attestationKey = attestationKey
        self.quotes = quotes
        eventLog = single[Number.eventLog]
        certificates = (single[Number.certificate].map { [$0] } ?? []) + issuers
        unreadParts = single.keys.sorted().compactMap { Number.unread[$0] }
    }
}

extension SignedTPMQuote {
    /// Message `tpm.Quote`: 1 the TPMS_ATTEST, 2 the TPMT_SIGNATURE, 3 the registers.
    fileprivate init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        var reader = ProtobufReader(bytes, "TPM quote")
        var parts: [UInt64: ArraySlice<UInt8>] = [:]
        while let field = try reader.next() {
            guard (1...3).contains(field.number) else { throw field.unknown }
            guard parts.updateValue(try field.bytes(), forKey: field.number) == nil else { throw field.repeated }
        }
        guard let quote = parts[1], let signature = parts[2], let registers = parts[3] else {
            throw Refusal(.evidenceMalformed, "a TPM quote has a message, a signature and register values")
        }
        self.quote = try TPMQuote(quote)
        self.signature = try TPMSignature(signature)
        suppliedValues = try SignedTPMQuote.registers(registers)
    }

    /// Message `tpm.PCRs`: 1 the bank, 2 a map from index to value.
    private static func registers(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> PCRValues {
        var reader = ProtobufReader(bytes, "PCRs")
        var bank: TPMHash?
        var entries: [ArraySlice<UInt8>] = []
        while let field = try reader.next() {
            switch field.number {
            case 1:
                guard bank == nil else { throw field.repeated }
                let id = try field.integer()
                guard let hash = UInt16(exactly: id).flatMap(TPMHash.init(rawValue:)) else {
                    throw Refusal(.evidenceMalformed, "PCRs: bank \(id) is not known")
                }
                bank = hash
            case 2: entries.append(try field.bytes())
            default: throw field.unknown
            }
            guard entries.count <= 32 else { throw Refusal(.evidenceMalformed, "PCRs: there are more than 32") }
        }
        guard let bank else { throw Refusal(.evidenceMalformed, "PCRs: the bank is missing") }
        var values: PCRValues = [:]
        for entry in entries {
            let (index, value) = try SignedTPMQuote.register(entry)
            guard value.count == bank.byteCount, values.updateValue(Array(value), forKey: PCR(bank, index)) == nil
            else {
                throw Refusal(
                    .evidenceMalformed, "PCRs: PCR \(index) is there twice or has another length than its bank")
            }
        }
        return values
    }

    /// An entry of the map: 1 the index, which an encoder may leave away when it is 0; 2 the value.
    private static func register(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> (Int, ArraySlice<UInt8>) {
        var reader = ProtobufReader(bytes, "PCR")
        var index: UInt64?
        var value: ArraySlice<UInt8>?
        while let field = try reader.next() {
            switch field.number {
            case 1 where index == nil: index = try field.integer()
            case 2 where value == nil: value = try field.bytes()
            case 1, 2: throw field.repeated
            default: throw field.unknown
            }
        }
        guard let value, let index = Int(exactly: index ?? 0), index < 32 else {
            throw Refusal(.evidenceMalformed, "PCR: an entry is not an index below 32 and a value")
        }
        return (index, value)
    }
}
