import Encoding
import Evidence

// Quoting enclaves that are not Intel's, and signatures that are not theirs.
extension QuotedFamily {
    var enclave: [ForgedCase] {
        typealias Layout = SGXReport.Layout
        func foreign(_ name: String, _ about: String, _ change: @escaping Change) -> ForgedCase {
            wrong(name, .qeIdentity, "AC-014", about, change)
        }
        let swapped = isNested ? QuotingEnclave.sgx : .tdx
        return [
            foreign("qe-other-signer", "the quoting enclave's MRSIGNER is another") {
                $0.quote.quotingEnclave[Layout.mrSigner] ^= 1
            },
            foreign("qe-other-product", "the quoting enclave's product is another") {
                $0.quote.quotingEnclave[Layout.productID] ^= 0x10
            },
            foreign("qe-swapped", "the quoting enclave is that of the other TEE") {
                $0.quote.quotingEnclave = SGXReportRecipe.quotingEnclave(swapped, cpuSVN: $0.dcap.platform.cpuSVN)
            },
            foreign("qe-debug", "the quoting enclave is a debug enclave") {
                $0.quote.quotingEnclave[Layout.attributes] |= 2
            },
            foreign(
                "qe-debug-that-the-mask-allows",
                "the quoting enclave is a debug enclave, which the identity's mask lets pass"
            ) {
                $0.quote.quotingEnclave[Layout.attributes] |= 2
                $0.dcap.qeIdentity.members["attributesMask"] = "F9FFFFFFFFFFFFFF0000000000000000"
            },
            foreign("qe-without-provision-key", "the quoting enclave may not use the provision key") {
                $0.quote.quotingEnclave[Layout.attributes] &= 0xef
            },
            foreign("qe-other-miscselect", "the quoting enclave's MISCSELECT is another") {
                $0.quote.quotingEnclave[Layout.miscSelect] = 1
            },
            foreign("qe-below-every-level", "the quoting enclave's version is below every level") {
                $0.quote.quotingEnclave.put(UInt16(1), at: Layout.svn)
            },
            wrong(
                "qe-report-signed-by-stranger", .qeIdentity, "AC-014",
                "the quoting enclave's report is signed by a stranger"
            ) { recipe, forge in recipe.quote.quotingEnclaveSigner = try forge.strangers.p256("intel/sgx/pck") },
            foreign("qe-report-signed-by-itself", "the quoting enclave's report is signed with the attestation key") {
                $0.quote.quotingEnclaveSigner = $0.quote.attestationKey
            },
            foreign("qe-signature-zero", "the signature of the quoting enclave's report is zero") { [self] in
                let offset = enclaveOffset + 384
                $0.presentation.tamper = { $0.put([UInt8].zeros(64), at: offset) }
            },
            foreign("qe-report-flipped", "one bit of the quoting enclave's report is wrong") { [self] in
                let offset = enclaveOffset + Layout.mrEnclave
                $0.presentation.tamper = { $0[offset] ^= 1 }
            },
            wrong(
                "attestation-key-of-stranger", .qeIdentity, "AC-014",
                "a stranger's attestation key signs, which the quoting enclave never bound"
            ) { recipe, forge in
                let key = try forge.strangers.p256("intel/attestation-key")
                recipe.quote.boundKey = recipe.quote.attestationKey.point
                recipe.quote.attestationKey = key
                recipe.quote.signer = key
            },
            foreign("attestation-key-flipped", "one bit of the attestation key is wrong") { [self] in
                let offset = signatureLengthOffset + 68
                $0.presentation.tamper = { $0[offset] ^= 1 }
            },
            foreign("authentication-data-flipped", "one bit of the authentication data is wrong") { [self] in
                let offset = enclaveOffset + 450
                $0.presentation.tamper = { $0[offset] ^= 1 }
            },
            foreign("binding-tail", "something hides behind the quoting enclave's binding") {
                $0.quote.bindingTail[31] = 1
            },
            foreign(
                "attestation-key-off-the-curve",
                "the attestation key that the quoting enclave binds is no point of the curve"
            ) {
                $0.quote.statedKey = [UInt8](repeating: 1, count: 64)
            },
        ]
    }

    /// Of the quoting enclave's report.
    private var enclaveOffset: Int { signatureLengthOffset + 132 + (isNested ? 6 : 0) }

    /// Each field of the signed part with one bit wrong, and the signature itself.
    var signature: [ForgedCase] {
        var fields: [(String, Int)] = [("user-data", 28)]
        if isNested {
            typealias Layout = TDReport.Layout
            fields += [
                ("tee-tcb-svn", Layout.teeTCBSVN + 3), ("mrseam", Layout.mrSeam),
                ("tdattributes", Layout.tdAttributes), ("xfam", Layout.xfam), ("mrtd", Layout.mrTD),
                ("mrconfigid", Layout.mrConfigID), ("mrowner", Layout.mrOwner), ("mrownerconfig", Layout.mrOwnerConfig),
                ("rtmr0", Layout.rtmr), ("rtmr3", Layout.rtmr + 3 * 48),
                ("report-data", Layout.reportData),
            ].map { ($0.0, $0.1 + bodyOffset) }
        } else {
            typealias Layout = SGXReport.Layout
            fields += [
                ("cpusvn", Layout.cpuSVN), ("miscselect", Layout.miscSelect), ("attributes", Layout.attributes),
                ("mrenclave", Layout.mrEnclave), ("mrsigner", Layout.mrSigner), ("configid", Layout.configID),
                ("isvprodid", Layout.productID), ("isvsvn", Layout.svn), ("family-id", Layout.familyID),
                ("report-data", Layout.reportData + 63),
            ].map { ($0.0, $0.1 + bodyOffset) }
        }
        let flips = fields.map { name, offset in
            wrong("flipped-\(name)", .evidenceSignature, "AC-001", "one bit of \(name) is wrong") {
                $0.presentation.tamper = { $0[offset] ^= 1 }
            }
        }
        return flips + signatureValues
    }

    private var signatureValues: [ForgedCase] {
        let start = signatureLengthOffset + 4
        let order = Hex.decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") ?? []
        let values: [(String, String, Int, [UInt8])] = [
            ("r-zero", "r is zero", start, .zeros(32)), ("s-zero", "s is zero", start + 32, .zeros(32)),
            ("r-order", "r is the order of the group", start, order),
            ("s-order", "s is the order of the group", start + 32, order),
            ("all-ones", "r and s are all ones", start, [UInt8](repeating: 0xff, count: 64)),
        ]
        return values.map { name, words, offset, value in
            wrong("signature-\(name)", .evidenceSignature, "AC-001", "the quote's signature is wrong: \(words)") {
                $0.presentation.tamper = { $0.put(value, at: offset) }
            }
        } + [
            wrong("signature-flipped", .evidenceSignature, "AC-001", "one bit of the quote's signature is wrong") {
                $0.presentation.tamper = { $0[start + 40] ^= 1 }
            },
            wrong("signed-by-pck", .evidenceSignature, "AC-001", "the quote is signed with the platform's key") {
                $0.quote.signer = $0.dcap.pck.key
            },
            wrong("signed-by-stranger", .evidenceSignature, "AC-001", "the quote is signed with a stranger's key") {
                recipe, forge in recipe.quote.signer = try forge.strangers.p256("intel/attestation-key")
            },
            wrong("signature-of-other-quote", .evidenceSignature, "AC-001", "the signature is that of another quote") {
                [form] recipe, forge in
                var other = try forge.quoted(form)
                other.quote.body[other.quote.body.count - 1] ^= 1
                let signature = try other.made().evidence[start..<start + 64]
                recipe.presentation.tamper = { $0.put(signature, at: start) }
            },
        ]
    }
}
