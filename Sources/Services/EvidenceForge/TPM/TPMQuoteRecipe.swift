import Crypto
import Encoding

/// What a TPM states about its registers, as it will be made.
///
/// - Source: TPM 2.0 Library, Part 2, TPMS_ATTEST with TPMS_QUOTE_INFO; evidence page section 1.4.
package struct TPMQuoteRecipe: Sendable {
    package var magic: UInt32 = 0xff54_4347
    package var type: UInt16 = 0x8018
    /// Name of the key: 2 bytes of algorithm and a digest.
    package var qualifiedSigner: [UInt8]
    package var nonce: [UInt8]
    package var clockIsSafe: UInt8 = 1
    /// Bank and bit map, least significant bit of the first byte for register 0.
    package var selections: [(bank: UInt16, map: [UInt8])] = [(0x000b, [0xff, 0xff, 0xff])]
    /// Values of the SHA-256 registers, in the quote's digest and beside it.
    package var registers: [[UInt8]]
    /// In place of the digest over the registers.
    package var digest: [UInt8]?
    /// Values given beside the quote, in place of those in it.
    package var suppliedRegisters: [[UInt8]]?
    package var signer: SigningKey
    /// Changes message and signature after signing.
    package var tamper: (@Sendable (inout [UInt8], inout [UInt8]) -> Void)?

    /// Message and signature.
    ///
    /// - Throws: when the crypto library fails.
    package func signed() throws -> (message: [UInt8], signature: [UInt8]) {
        var message: [UInt8] = .bigEndian(magic) + .bigEndian(type)
        message += TPMQuoteRecipe.sized(qualifiedSigner) + TPMQuoteRecipe.sized(nonce)
        message += .bigEndian(UInt64(1_234_567)) + .bigEndian(UInt32(3)) + .bigEndian(UInt32(1)) + [clockIsSafe]
        message += .bigEndian(UInt64(0x2020_0312_0012_0003)) + .bigEndian(UInt32(selections.count))
        for selection in selections {
            message += .bigEndian(selection.bank) + [UInt8(truncatingIfNeeded: selection.map.count)] + selection.map
        }
        message += TPMQuoteRecipe.sized(digest ?? Array(SHA256.hash(data: selectedValues.flatMap(\.self))))
        var signature = try signer.rawSignature(over: message)
        tamper?(&message, &signature)
        return (message, signature)
    }

    private var selectedValues: [[UInt8]] {
        selections.flatMap { selection in
            registers.indices.filter { index in
                index / 8 < selection.map.count && selection.map[index / 8] >> UInt8(index % 8) & 1 == 1
            }.map { registers[$0] }
        }
    }

    /// A TPM2B: a length of two bytes, and as many bytes.
    package static func sized(_ content: [UInt8]) -> [UInt8] {
        .bigEndian(UInt16(truncatingIfNeeded: content.count)) + content
    }

    /// A quote of all registers after the events of `log`.
    package static func standard(nonce: [UInt8], log: EventLogRecipe, signer: SigningKey) -> TPMQuoteRecipe {
        TPMQuoteRecipe(
            qualifiedSigner: [0, 0x0b] + Digest(of: signer.subjectPublicKeyInfo).bytes, nonce: nonce,
            registers: log.registers, signer: signer)
    }
}
