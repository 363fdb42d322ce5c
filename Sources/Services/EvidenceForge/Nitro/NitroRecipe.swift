package import Encoding
import Evidence

/// A Nitro document as it will be made: its chain, its members in their order, and the message around them.
///
/// - Source: AWS Nitro Enclaves NSM API, "Attestation process"; RFC 9052 section 4; evidence page section 1.5.
package struct NitroRecipe: Sendable {
    package typealias Members = [(key: CBORItem, value: CBORItem)]

    package var chain: NitroChainRecipe
    /// Issuers in the order of the document; nil for the chain's own, root first.
    package var bundle: [CertificateRecipe]?
    package var moduleID: String
    package var milliseconds: UInt64
    /// By index, 48 bytes each.
    package var pcrs: [(UInt64, [UInt8])]
    package var publicKey: [UInt8]?
    package var userData: [UInt8]?
    package var nonce: [UInt8]?
    /// Changes the payload's members.
    package var change: (@Sendable (inout Members) -> Void)?
    /// Writes the payload; a map by default.
    package var payload: @Sendable (Members) -> [UInt8] = { members in
        CBORItem.map(members.map { ($0.key, $0.value) }).encoded
    }
    /// ES384.
    package var protected = CBORItem.map([(.unsigned(1), .negative(34))])
    package var unprotected = CBORItem.map([])
    /// The key that signs.
    package var signer: SigningKey
    package var changeSignature: (@Sendable (inout [UInt8]) -> Void)?
    /// Writes the four parts; an untagged array by default.
    package var message: @Sendable ([CBORItem]) -> CBORItem = { .array($0) }
    package var presentation: Presentation

    /// - Throws: when the crypto library fails.
    package func made() throws -> ForgedEvidence { presentation.evidence(try document(), nil) }

    private func document() throws -> [UInt8] {
        func optional(_ bytes: [UInt8]?) -> CBORItem { bytes.map(CBORItem.bytes) ?? .null }
        var members: Members = [
            ("module_id", .text(moduleID)), ("digest", .text("SHA384")), ("timestamp", .unsigned(milliseconds)),
            ("pcrs", .map(pcrs.map { (.unsigned($0.0), .bytes($0.1)) })),
            ("certificate", .bytes(try chain.leaf.der())),
            ("cabundle", .array(try (bundle ?? chain.bundle).map { .bytes(try $0.der()) })),
            ("public_key", optional(publicKey)), ("user_data", optional(userData)), ("nonce", optional(nonce)),
        ].map { (.text($0.0), $0.1) }
        change?(&members)
        let protected = CBORItem.bytes(protected.encoded)
        let payload = CBORItem.bytes(payload(members))
        let signed = CBORItem.array([.text("Signature1"), protected, .bytes([]), payload]).encoded
        var signature = try signer.rawSignature(over: signed)
        changeSignature?(&signature)
        return message([protected, unprotected, payload, .bytes(signature)]).encoded
    }
}

// MARK: The usual one

extension NitroRecipe {
    /// A document of `program`, whose measurement is PCR0 to PCR2, whose host data PCR3, and whose report data is the
    /// nonce.
    package static func standard(
        program: AttestedProgram, keys: KeyRing, dates: Dates, at time: Timestamp
    ) throws -> NitroRecipe {
        let instanceID = "i-" + Hex.encode(keys.bytes("nitro/instance-id", 8)) + "0"
        let moduleID = instanceID + "-enc" + Hex.encode(keys.bytes("nitro/enclave-id", 8))
        let chain = try NitroChainRecipe.standard(
            instanceID: instanceID, moduleID: moduleID, keys: keys, dates: dates, at: time - 60)
        let measured = program.measurement
        let pcrs: [UInt64: [UInt8]] = [0: measured, 1: measured, 2: measured, 3: program.hostData + .zeros(16)]
        return NitroRecipe(
            chain: chain, moduleID: moduleID, milliseconds: UInt64(max(0, time.seconds - 10)) * 1_000 + 136,
            pcrs: (UInt64(0)..<16).map { index in (index, pcrs[index] ?? .zeros(48)) },
            nonce: program.reportData, signer: chain.leaf.key,
            presentation: Presentation(tee: .nitro, time: time, binding: program.reportData))
    }
}
