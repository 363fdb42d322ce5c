import Encoding
import Evidence

// Hardware below, what its report binds, and the attestation key's certificates.
extension HCLCases {
    /// A few of what can be wrong with the SNP report below; the rest is the same as without a paravisor.
    static var hardware: [ForgedCase] {
        typealias Layout = SNPReport.Layout
        func snp(
            _ name: String, _ code: RefusalCode, _ abuseCase: String, _ about: String, isGenuine: Bool = false,
            _ change: @escaping @Sendable (inout SNPRecipe) throws -> Void
        ) -> ForgedCase {
            wrong("snp-\(name)", code, abuseCase, about, isGenuine: isGenuine) { try $0.changeSNP(change) }
        }
        return [
            snp("debug", .debugEnabled, "AC-005", "the guest policy allows debugging", isGenuine: true) {
                $0.report[Layout.policy + 2] |= 0x08
            },
            snp("vcek-expired", .evidenceChain, "AC-002", "the VCEK has expired") { $0.leaf.notAfter = Forge.time - 1 },
            snp("ask-signature-flipped", .evidenceChain, "AC-002", "one bit of the ASK's signature is wrong") {
                $0.authority.tamper = { $0.flipLastBit() }
            },
            snp("ask-revoked", .certificateRevoked, "AC-013", "the ASK is revoked") {
                $0.list?.revoked = [$0.authority.serial]
            },
            snp("list-expired", .collateralInvalid, "AC-012", "the revocation list has expired") {
                $0.list?.nextUpdate = Forge.time - 1
            },
            snp("signature-flipped", .evidenceSignature, "AC-001", "one bit of the SNP report's signature is wrong") {
                $0.changeSignature = { $0[0] ^= 1 }
            },
            snp("chip-cloned", .tcbInconsistent, "AC-021", "the SNP report claims to be of another chip") {
                $0.report[Layout.chipID] ^= 1
            },
            snp(
                "microcode-above-certificate", .tcbInconsistent, "AC-011",
                "the SNP report's microcode is above the certificate's"
            ) {
                for field in [Layout.reportedTCB, Layout.currentTCB, Layout.committedTCB] { $0.report[field + 7] += 1 }
            },
            snp("vmpl-1", .platformPolicy, "AC-020", "the SNP report was made by the guest, not by the paravisor") {
                $0.report.put(UInt32(1), at: Layout.vmpl)
            },
            wrong(
                "snp-foreign-simulated-root", .simulatedRoot, "AC-004",
                "the SNP report stands under another simulated root"
            ) {
                recipe, forge in
                recipe.hardware = .snp(try forge.snp(.genoa, version: 3, ofStrangers: true))
            },
            wrong(
                "snp-foreign-root", .untrustedRoot, "AC-003", "the SNP report stands under another root of AMD's name"
            ) {
                recipe, forge in
                var snp = try forge.snp(.genoa, version: 3, ofStrangers: true)
                snp.renameRoot("ARK-Genoa")
                recipe.hardware = .snp(snp)
            },
            wrong("without-collateral", .evidenceChain, "AC-012", "there are no certificates of the chip") {
                $0.presentation.accompanying = .nothing
            },
            wrong("with-collateral-of-intel", .collateralInvalid, "AC-012", "the collateral is Intel's") {
                recipe, forge in
                recipe.presentation.accompanying = .other(.dcap(try forge.quoted(.sgx3).dcap.issued().collateral))
            },
        ]
    }

    /// From the hardware's report to the nonce.
    static var bindings: [ForgedCase] {
        [
            wrong("runtime-changed", .bindingMismatch, "AC-015", "the runtime data was changed after it was bound") {
                $0.report.replace = { $0.replacing(#""secure-boot":true"#, with: #""secure-boot":null"#) }
            },
            wrong(
                "attestation-key-replaced", .bindingMismatch, "AC-015",
                "another attestation key stands in the runtime data, and signs"
            ) {
                recipe, forge in
                let (old, new) = (recipe.quote.signer, try forge.strangers.pkcs1(.attestationKey))
                let (before, after) = (try Base64.encodeURL(old.modulus()), try Base64.encodeURL(new.modulus()))
                recipe.report.replace = { $0.replacing(before, with: after) }
                recipe.quote.signer = new
                recipe.certificates = []
            },
            wrong(
                "runtime-of-other-boot", .bindingMismatch, "AC-015",
                "the hardware's report binds the runtime data of another start"
            ) {
                $0.binding = Digest(of: "runtime data of another start").bytes + .zeros(32)
            },
            wrong(
                "binding-tail", .bindingMismatch, "AC-015",
                "something follows the runtime data's digest in the hardware's report"
            ) {
                $0.binding = Array($0.report.binding.dropLast()) + [1]
            },
            wrong(
                "runtime-hashed-otherwise", .bindingMismatch, "AC-015",
                "the runtime data is hashed with another hash than the report says"
            ) {
                $0.binding = $0.report.binding
                $0.report.hashType = 2
            },
            wrong(
                "nonce-other", .bindingMismatch, "AC-015", "the quote's nonce is not what was asked for",
                isGenuine: true
            ) {
                $0.presentation.binding = Forge.otherBinding
            },
            wrong(
                "nonce-missing", .bindingMismatch, "AC-017", "the quote has no nonce: it may be of any day",
                isGenuine: true
            ) {
                $0.quote.nonce = []
            },
            wrong(
                "nonce-shorter", .bindingMismatch, "AC-015", "the quote's nonce is the beginning of what was asked for",
                isGenuine: true
            ) {
                $0.quote.nonce.removeLast()
            },
            wrong("quote-signed-by-stranger", .evidenceSignature, "AC-001", "a stranger's key signs the quote") {
                recipe, forge in
                recipe.quote.signer = try forge.strangers.pkcs1(.attestationKey)
            },
            wrong("quote-signature-flipped", .evidenceSignature, "AC-001", "one bit of the quote's signature is wrong")
            {
                $0.quote.tamper = { $1.flipLastBit() }
            },
            wrong("quote-signature-empty", .evidenceSignature, "AC-001", "the quote's signature is empty") {
                $0.quote.tamper = { $1 = [] }
            },
            wrong("quote-signature-pss", .evidenceSignature, "AC-001", "the quote's signature is of another RSA form") {
                recipe, forge in
                recipe.quote.signer = try forge.keys.pss(.attestationKey)
            },
            wrong("quote-flipped", .evidenceSignature, "AC-001", "one bit of the quote's clock is wrong") {
                // Behind magic, type, signer's name and nonce.
                $0.quote.tamper = { message, _ in message[4 + 2 + 36 + 66 + 7] ^= 1 }
            },
        ]
    }

    /// The second word for the attestation key.
    static var certificates: [ForgedCase] {
        func chained(_ name: String, _ about: String, _ change: @escaping Change) -> ForgedCase {
            wrong("ak-\(name)", .evidenceChain, "AC-002", about, isGenuine: true, change)
        }
        let links = ["certificate", "ca", "root"].enumerated().flatMap { index, name in
            [
                chained("\(name)-expired", "the \(name) of the attestation key has expired") {
                    $0.certificates[index].notAfter = Forge.time - 1
                },
                chained("\(name)-not-yet-valid", "the \(name) of the attestation key is not yet valid") {
                    $0.certificates[index].notBefore = Forge.time + 1
                },
                chained(
                    "\(name)-signature-flipped", "one bit of the signature of the attestation key's \(name) is wrong"
                ) {
                    $0.certificates[index].tamper = { $0.flipLastBit() }
                },
                chained(
                    "\(name)-unknown-critical-extension",
                    "the \(name) of the attestation key has a critical extension that nobody knows"
                ) { $0.certificates[index].extensions.append(.unknownCritical) },
            ]
        }
        return links + [
            chained("certificate-alone", "the issuers of the attestation key's certificate are missing") {
                $0.certificates = [$0.certificates[0]]
            },
            chained("chain-without-ca", "the CA of the attestation key is missing") { $0.certificates.remove(at: 1) },
            chained("chain-reversed", "the chain of the attestation key begins with the root") {
                $0.certificates.reverse()
            },
            chained("is-an-authority", "the attestation key's certificate is that of an authority") {
                $0.certificates[0].set(.authority(path: nil))
            },
            chained("certificate-padded-with-text", "text follows the attestation key's certificate") {
                $0.certificates[0].tamper = { $0 += Array("padding".utf8) }
            },
            chained("for-another-purpose", "the attestation key's certificate is that of a web server") {
                $0.certificates[0].set(.extendedKeyUsage("1.3.6.1.5.5.7.3.1"))
            },
            chained("certificate-of-other-key", "the certificate is that of another attestation key") {
                $0.certificates[0].key = $0.certificates[1].key
            },
            wrong(
                "ak-foreign-simulated-root", .simulatedRoot, "AC-004",
                "the attestation key's certificate stands under another simulated root", isGenuine: true
            ) {
                recipe, forge in
                var chain = try VTPMChainRecipe.standard(keys: forge.strangers, dates: Forge.dates)
                chain.leaf.key = recipe.certificates[0].key
                recipe.certificates = [chain.leaf, chain.authority, chain.root]
            },
            wrong(
                "ak-foreign-root", .untrustedRoot, "AC-003",
                "the attestation key's certificate stands under another root of Azure's name", isGenuine: true
            ) {
                recipe, forge in
                var chain = try VTPMChainRecipe.standard(keys: forge.strangers, dates: Forge.dates)
                let name = DistinguishedName.azureRoot("Virtual TPM Root Certificate Authority")
                chain.leaf.key = recipe.certificates[0].key
                chain.root.subject = name
                chain.root.issuer = name
                chain.authority.issuer = name
                recipe.certificates = [chain.leaf, chain.authority, chain.root]
            },
        ]
    }
}
