import Encoding
import Evidence

// Quotes that cannot be read, and those that are right whatever their form suggests.
extension QuotedFamily {
    var right: [ForgedCase] {
        [
            right("right", "nothing is wrong"),
            right("zero-padded", "70 zero bytes follow, as some transports append them") {
                $0.presentation.tamper = { $0 += .zeros(70) }
            },
            right("chain-root-before-ca", "the chain is leaf, root, CA, as some quotes have it") {
                $0.dcap.embeddedChain = [.pck, .root, .authority]
            },
            right("chain-with-carriage-returns", "the chain's lines end with carriage return and line feed") {
                $0.dcap.rewriteChain = { $0.replacing("\n", with: "\r\n") }
            },
            right("chain-ends-in-nul", "a zero byte follows the chain") { $0.dcap.rewriteChain = { $0 + "\0" } },
            right("fmspc-lower-case", "the TCB info writes the FMSPC in lower case") {
                let fmspc = Hex.encode($0.dcap.platform.fmspc)
                $0.dcap.tcbInfo.members["fmspc"] = .string(fmspc)
            },
        ]
    }

    /// Cut off at the end of each field.
    var lengths: [ForgedCase] {
        var cuts: [(String, Int)] = [
            ("empty", 0), ("version", 1), ("header", 47), ("body", signatureLengthOffset - 1),
            ("signature-length", signatureLengthOffset + 3), ("signature", signatureLengthOffset + 67),
            ("attestation-key", signatureLengthOffset + 131),
        ]
        if bodyOffset > 48 { cuts.insert(("body-descriptor", bodyOffset - 1), at: 3) }
        var offset = signatureLengthOffset + 132
        if isNested {
            cuts += [("outer-certification-type", offset + 1), ("outer-certification-length", offset + 5)]
            offset += 6
        }
        cuts += [
            ("qe-report", offset + 383), ("qe-signature", offset + 447), ("authentication-length", offset + 449),
            ("authentication-data", offset + 481), ("certification-type", offset + 483),
            ("certification-length", offset + 487), ("certification-data", offset + 600),
        ]
        return cuts.map { field, count in
            wrong("cut-\(field)", .evidenceMalformed, "AC-018", "the quote ends inside or before its \(field)") {
                $0.presentation.tamper = { $0 = Array($0.prefix(count)) }
            }
        } + [
            wrong("cut-last-byte", .evidenceMalformed, "AC-018", "the last byte is missing") {
                $0.presentation.tamper = { $0.removeLast() }
            },
            wrong("trailing-byte", .evidenceMalformed, "AC-018", "a byte follows the quote") {
                $0.presentation.tamper = { $0.append(1) }
            },
            wrong("trailing-67-bytes", .evidenceMalformed, "AC-018", "67 bytes that are not zero follow the quote") {
                $0.presentation.tamper = { $0 += [UInt8](1...67) }
            },
            wrong("trailing-zeros-then-a-byte", .evidenceMalformed, "AC-018", "zero bytes and then another follow") {
                $0.presentation.tamper = { $0 += .zeros(70) + [1] }
            },
            wrong("oversized", .evidenceMalformed, "AC-018", "zero bytes fill it up beyond any quote's length") {
                $0.presentation.tamper = { $0 += .zeros(65_537 - $0.count) }
            },
        ] + absurdLengths
    }

    private var absurdLengths: [ForgedCase] {
        var cases = [UInt32(0), 64, .max].map { (value: UInt32) in
            wrong("signature-length-\(value)", .evidenceMalformed, "AC-018", "the signature data's length is \(value)")
            { $0.quote.lengths.signatureData = value }
        }
        cases += [UInt16(0), 33, .max].map { (value: UInt16) in
            wrong(
                "authentication-length-\(value)", .evidenceMalformed, "AC-018",
                "the authentication data's length is \(value)"
            ) { $0.quote.lengths.authentication = value }
        }
        cases += [UInt32(0), 1_000, 0x8000_0000, .max].map { (value: UInt32) in
            wrong(
                "certification-length-\(value)", .evidenceMalformed, "AC-018",
                "the certification data's length is \(value)"
            ) { $0.quote.lengths.certification = value }
        }
        guard isNested else { return cases }
        return cases
            + [UInt32(0), 448, .max].map { (value: UInt32) in
                wrong(
                    "outer-certification-length-\(value)", .evidenceMalformed, "AC-018",
                    "the outer certification data's length is \(value)"
                ) { $0.quote.lengths.outerCertification = value }
            }
    }

    /// Headers and types that do not exist or belong elsewhere. All are signed: only their form is wrong.
    var formats: [ForgedCase] {
        typealias Layout = SGXQuote.Layout
        var cases = [UInt16(0), 2, isNested ? 3 : 4, 6, 0x0300].map { version in
            wrong("version-\(version)", .evidenceMalformed, "AC-018", "the header says version \(version)") {
                $0.quote.header.put(version, at: Layout.version)
            }
        }
        cases += [UInt16(0), 1, 3].map { type in
            wrong(
                "attestation-key-type-\(type)", .evidenceMalformed, "AC-018",
                "the header says attestation key type \(type), which is not ECDSA P-256"
            ) { $0.quote.header.put(type, at: Layout.attestationKeyType) }
        }
        cases += [UInt32(isNested ? 0 : 0x81), 0x82, 0x8100_0000].map { type in
            wrong("tee-type-\(type)", .evidenceMalformed, "AC-018", "the header says TEE type \(type)") {
                $0.quote.header.put(type, at: Layout.teeType)
            }
        }
        cases += [UInt16(0), 6, 7, 99].map { type in
            wrong(
                "certification-type-\(type)", .evidenceMalformed, "AC-018",
                "the certification data's type is \(type), which holds no PCK certificate"
            ) { $0.quote.certificationType = type }
        }
        cases += [TEE.snp, .hcl, .nitro, isNested ? .sgx : .tdx].map { tee in
            wrong("given-as-\(tee.rawValue)", .evidenceMalformed, "AC-018", "it is given as evidence of \(tee)") {
                $0.presentation.tee = tee
                $0.presentation.accompanying = .nothing
            }
        }
        if isNested {
            cases += [UInt16(1), 5, 7].map { (type: UInt16) in
                wrong(
                    "outer-certification-type-\(type)", .evidenceMalformed, "AC-018",
                    "the outer certification data's type is \(type), not a quoting enclave's report"
                ) { $0.quote.outerCertificationType = type }
            }
        }
        return cases + [
            wrong("foreign-qe-vendor", .evidenceMalformed, "AC-018", "the quoting enclave's vendor is not Intel") {
                $0.quote.header[Layout.quotingEnclaveVendor] ^= 1
            },
            wrong("open-enclave-wrapper", .evidenceMalformed, "AC-018", "an Open Enclave header stands before it") {
                $0.presentation.tamper = { quote in
                    quote =
                        .littleEndian(UInt32(1)) + .littleEndian(UInt32(2)) + .littleEndian(UInt64(quote.count))
                        + quote
                }
            },
        ]
    }
}
