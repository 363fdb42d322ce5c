package import Encoding
import Evidence

/// Evidence of a virtual TPM alone as it will be made: key, quote, registers, event log and certificates in one message.
///
/// - Source: google/go-tpm-tools, message `attest.Attestation`; TPM 2.0 Library, Part 2.
package struct TPMEvidenceRecipe: Sendable {
    /// TPMA_OBJECT: fixed to TPM and parent, made in the TPM, authorised by the user, restricted, signing.
    package var keyAttributes: UInt32 = 0x0005_0072
    package var key: SigningKey
    /// In place of TPMT_PUBLIC.
    package var publicArea: [UInt8]?
    package var quote: TPMQuoteRecipe
    /// RSASSA and SHA-256, as they stand in the signature.
    package var scheme: UInt16 = 0x0014
    package var hash: UInt16 = 0x000b
    package var log: EventLogRecipe?
    /// The key's certificate, its issuer, the root.
    package var certificates: [CertificateRecipe]
    /// Changes the message's fields: number and content.
    package var change: (@Sendable (inout [(Int, [UInt8])]) -> Void)?
    package var presentation: Presentation

    /// - Throws: when the crypto library fails.
    package func made() throws -> ForgedEvidence {
        let signed = try quote.signed()
        let registers = (quote.suppliedRegisters ?? quote.registers).enumerated().flatMap { index, value in
            Protobuf.field(2, Protobuf.field(1, integer: index) + Protobuf.field(2, value))
        }
        let signature: [UInt8] = .bigEndian(scheme) + .bigEndian(hash) + TPMQuoteRecipe.sized(signed.signature)
        var fields = [
            (1, try publicArea ?? area()),
            (
                2,
                Protobuf.field(1, signed.message) + Protobuf.field(2, signature)
                    + Protobuf.field(3, Protobuf.field(1, integer: 0x0b) + registers)
            ),
        ]
        if let log { fields.append((3, log.bytes)) }
        for (index, certificate) in certificates.enumerated() {
            fields.append((index == 0 ? 6 : 7, try certificate.der()))
        }
        change?(&fields)
        return presentation.evidence(fields.flatMap { Protobuf.field($0.0, $0.1) }, nil)
    }

    /// TPMT_PUBLIC of an RSA key that signs by RSASSA with SHA-256.
    private func area() throws -> [UInt8] {
        let modulus = try key.modulus()
        var area: [UInt8] = .bigEndian(UInt16(1)) + .bigEndian(UInt16(0x000b)) + .bigEndian(keyAttributes)
        area += TPMQuoteRecipe.sized([]) + .bigEndian(UInt16(0x0010)) + .bigEndian(UInt16(0x0014))
        area += .bigEndian(UInt16(0x000b)) + .bigEndian(UInt16(modulus.count * 8)) + .bigEndian(UInt32(0))
        return area + TPMQuoteRecipe.sized(modulus)
    }

    /// The TPM of a virtual machine whose nonce is `binding`.
    package static func standard(
        binding: [UInt8], keys: KeyRing, dates: Dates, at time: Timestamp
    ) throws -> TPMEvidenceRecipe {
        let chain = try VTPMChainRecipe.standard(keys: keys, dates: dates)
        return TPMEvidenceRecipe(
            key: chain.leaf.key, quote: .standard(nonce: binding, log: .standard, signer: chain.leaf.key),
            log: .standard, certificates: [chain.leaf, chain.authority, chain.root],
            presentation: Presentation(tee: .tpm, time: time, binding: binding))
    }
}

/// Writes protobuf messages.
///
/// - Source: Protocol Buffers, "Encoding".
enum Protobuf {
    static func field(_ number: Int, _ content: [UInt8]) -> [UInt8] {
        varint(UInt64(number) << 3 | 2) + varint(UInt64(content.count)) + content
    }

    static func field(_ number: Int, integer: Int) -> [UInt8] { varint(UInt64(number) << 3) + varint(UInt64(integer)) }

    private static func varint(_ number: UInt64) -> [UInt8] {
        number < 0x80 ? [UInt8(number)] : [UInt8(number & 0x7f) | 0x80] + varint(number >> 7)
    }
}
