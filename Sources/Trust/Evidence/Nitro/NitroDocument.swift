public import Encoding

/// An attestation document of an AWS Nitro enclave, parsed but not verified.
///
/// Only the binary form is read; decode base64 before. Members that AWS adds later are ignored once they are well formed.
///
/// To verify a document that was archived, when its certificate (three hours) has long expired, verify it at its own
/// time: `verify(bytes, tee: .nitro, collateral: nil, at: try NitroDocument(bytes[...]).timestamp)`. The verdict then says
/// that the document was genuine when it was made, and nothing about now.
///
/// - Source: AWS Nitro Enclaves NSM API, "Attestation process"; `evidence.md` section 1.5.
public struct NitroDocument: Sendable {
    /// Longest public key, user data and nonce, in bytes.
    public static let maximumFieldBytes = 1_024
    /// Most certificates that are read from `cabundle`.
    public static let maximumAuthorities = 7
    /// Length of a PCR under the only digest that is read, SHA-384.
    public static let pcrBytes = 48
    public static let digest = "SHA384"

    /// The instance and the enclave on it.
    public let moduleID: String
    /// When the Nitro hypervisor made the document, in milliseconds since 1970.
    public let milliseconds: Int64
    /// Platform configuration registers by index, 0 to 31, also those that are all zero.
    public let pcrs: [Int: ArraySlice<UInt8>]
    /// DER of the certificate whose key signed the document.
    public let certificate: ArraySlice<UInt8>
    /// DER of its issuers, root first.
    public let authorities: [ArraySlice<UInt8>]
    /// What the enclave put in; nil when it put nothing there.
    public let publicKey: ArraySlice<UInt8>?
    public let userData: ArraySlice<UInt8>?
    public let nonce: ArraySlice<UInt8>?
    let message: COSESign1

    /// Reads a document that fills `bytes`.
    ///
    /// - Throws: `evidence-malformed`. A document without issuers is read: `authorities` is empty.
    public init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        message = try COSESign1(bytes)
        var members = Members()
        try members.read(message.payload)
        guard let moduleID = members.moduleID, let digest = members.digest, let milliseconds = members.milliseconds,
            let pcrs = members.pcrs, let certificate = members.certificate
        else {
            throw Refusal(
                .evidenceMalformed,
                "a Nitro document has module_id, digest, timestamp, pcrs and certificate; one of them is missing")
        }
        guard digest == NitroDocument.digest else {
            throw Refusal(.evidenceMalformed, "the digest of a Nitro document is \(NitroDocument.digest)")
        }
        self.moduleID = moduleID
        self.milliseconds = milliseconds
        self.pcrs = pcrs
        self.certificate = certificate
        authorities = members.authorities
        publicKey = members.publicKey
        userData = members.userData
        nonce = members.nonce
    }

    /// When the document was made, without the fraction of a second.
    public var timestamp: Timestamp { Timestamp(seconds: milliseconds / 1_000) }

    /// What binds the document to its purpose: the nonce, or the user data when there is no nonce.
    public var binding: ArraySlice<UInt8> {
        if let nonce, !nonce.isEmpty { return nonce }
        return userData ?? []
    }

    /// Whether the enclave was started in debug mode, where PCR0 to PCR2 are zero; one that is absent counts as zero.
    public var isDebug: Bool { (0...2).contains { pcrs[$0]?.isZero ?? true } }
}

// MARK: Parsing

extension NitroDocument {
    /// The members of the payload while it is read.
    private struct Members {
        var moduleID: String?
        var digest: String?
        var milliseconds: Int64?
        var pcrs: [Int: ArraySlice<UInt8>]?
        var certificate: ArraySlice<UInt8>?
        var authorities: [ArraySlice<UInt8>] = []
        var publicKey: ArraySlice<UInt8>?
        var userData: ArraySlice<UInt8>?
        var nonce: ArraySlice<UInt8>?

        mutating func read(_ payload: ArraySlice<UInt8>) throws(Refusal) {
            var reader = CBORReader(payload)
            var map = try reader.map("payload")
            while let key = try reader.nextKey(&map, "payload") {
                switch key {
                case .text("module_id"):
                    let text = try reader.text("module_id")
                    try requireLimit(text.utf8.count, "module_id")
                    moduleID = text
                case .text("digest"): digest = try reader.text("digest")
                case .text("timestamp"): milliseconds = try time(&reader)
                case .text("pcrs"): pcrs = try registers(&reader)
                case .text("certificate"): certificate = try reader.byteString("certificate")
                case .text("cabundle"): authorities = try bundle(&reader)
                case .text("public_key"): publicKey = try optional(&reader, "public_key")
                case .text("user_data"): userData = try optional(&reader, "user_data")
                case .text("nonce"): nonce = try optional(&reader, "nonce")
                case .text, .unsigned, .negative, .bytes: try reader.skip("unknown member")
                }
            }
            try reader.finish("the payload")
        }

        private func time(_ reader: inout CBORReader) throws(Refusal) -> Int64 {
            guard let time = Int64(exactly: try reader.unsigned("timestamp")) else {
                throw Refusal(.evidenceMalformed, "the timestamp of a Nitro document is out of range")
            }
            return time
        }

        private func registers(_ reader: inout CBORReader) throws(Refusal) -> [Int: ArraySlice<UInt8>] {
            var map = try reader.map("pcrs")
            var pcrs: [Int: ArraySlice<UInt8>] = [:]
            while let key = try reader.nextKey(&map, "pcrs") {
                guard case .unsigned(let index) = key, index < 32 else {
                    throw Refusal(.evidenceMalformed, "PCRs of a Nitro document have the indices 0 to 31")
                }
                let value = try reader.byteString("PCR")
                guard value.count == NitroDocument.pcrBytes else {
                    throw Refusal(
                        .evidenceMalformed, "PCR\(index) has \(value.count) bytes, not \(NitroDocument.pcrBytes)")
                }
                pcrs[Int(index)] = value
            }
            return pcrs
        }

        private func bundle(_ reader: inout CBORReader) throws(Refusal) -> [ArraySlice<UInt8>] {
            if try reader.takeNull("cabundle") { return [] }
            var items = try reader.array("cabundle")
            var authorities: [ArraySlice<UInt8>] = []
            while try reader.hasNext(&items, "cabundle") {
                guard authorities.count < NitroDocument.maximumAuthorities else {
                    throw Refusal(
                        .evidenceMalformed,
                        "cabundle has more than \(NitroDocument.maximumAuthorities) certificates")
                }
                authorities.append(try reader.byteString("cabundle"))
            }
            return authorities
        }

        private func optional(
            _ reader: inout CBORReader, _ field: StaticString
        ) throws(Refusal) -> ArraySlice<UInt8>? {
            if try reader.takeNull(field) { return nil }
            let value = try reader.byteString(field)
            try requireLimit(value.count, field)
            return value
        }

        private func requireLimit(_ count: Int, _ field: StaticString) throws(Refusal) {
            guard count <= NitroDocument.maximumFieldBytes else {
                throw Refusal(.evidenceMalformed, "\(field) has more than \(NitroDocument.maximumFieldBytes) bytes")
            }
        }
    }
}
