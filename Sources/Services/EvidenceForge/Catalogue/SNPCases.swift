import Encoding
import Evidence

/// Cases of SEV-SNP reports. Most are of a Milan chip with a report of version 3, the rest of what is special elsewhere.
///
/// Each extension makes the cases of one subject.
enum SNPCases {
    typealias Change = @Sendable (inout SNPRecipe) throws -> Void
    typealias ForgedChange = @Sendable (inout SNPRecipe, Forge) throws -> Void
    typealias Layout = SNPReport.Layout

    static var all: [ForgedCase] {
        right + reported + lengths + formats + reserved + links + roles + endorsements + shapes + roots + revocation
            + signature + tcb + chips + policy
    }

    /// A chip and the version of its report.
    struct Chip: Sendable {
        var product = SNPProduct.milan
        var kind = SNPReport.SigningKey.vcek
        var version: UInt32 = 3

        static let milan = Chip()
        static let milan2 = Chip(version: 2)
        static let genoa = Chip(product: .genoa, version: 5)
        static let turin = Chip(product: .turin, version: 5)
        static let vlek = Chip(kind: .vlek)

        var prefix: String {
            let name = product.rawValue.lowercased()
            return switch (product, kind, version) {
            case (.milan, .vcek, 3): "snp"
            case (.milan, .vlek, _): "snp-vlek"
            case (_, .vlek, _): "snp-vlek-\(name)"
            case (.milan, _, _): "snp-v\(version)"
            default: version == 5 ? "snp-\(name)" : "snp-\(name)-v\(version)"
            }
        }
    }

    static func wrong(
        _ name: String, _ code: RefusalCode, _ abuseCase: String, _ about: String, on chip: Chip = .milan,
        _ change: @escaping Change
    ) -> ForgedCase {
        made(name, about, code: code, abuseCase: abuseCase, chip) { recipe, _ in try change(&recipe) }
    }

    /// A case whose change takes keys of other worlds.
    static func wrong(
        _ name: String, _ code: RefusalCode, _ abuseCase: String, _ about: String, on chip: Chip = .milan,
        forged change: @escaping ForgedChange
    ) -> ForgedCase {
        made(name, about, code: code, abuseCase: abuseCase, chip, change)
    }

    static func right(
        _ name: String, _ about: String, on chip: Chip = .milan, _ change: @escaping Change = { _ in }
    ) -> ForgedCase {
        made(name, about, code: nil, abuseCase: nil, chip) { recipe, _ in try change(&recipe) }
    }

    private static func made(
        _ name: String, _ about: String, code: RefusalCode?, abuseCase: String?, _ chip: Chip,
        _ change: @escaping ForgedChange
    ) -> ForgedCase {
        ForgedCase(
            name: "\(chip.prefix)-\(name)", tee: .snp, about: about, code: code, abuseCase: abuseCase
        ) { forge in
            var recipe = try forge.snp(chip.product, chip.kind, version: chip.version)
            try change(&recipe, forge)
            return try recipe.made()
        }
    }
}

// MARK: Right ones

extension SNPCases {
    static var right: [ForgedCase] {
        [
            right("right", "nothing is wrong"),
            right("right", "nothing is wrong; the report does not name its product", on: .milan2),
            right("right", "nothing is wrong", on: Chip(product: .genoa, version: 3)),
            right("right", "nothing is wrong", on: .genoa),
            right("right", "nothing is wrong; the chip id has 8 bytes", on: .turin),
            right("right", "nothing is wrong; the key is a cloud provider's", on: .vlek),
            right("right", "nothing is wrong", on: Chip(product: .genoa, kind: .vlek, version: 5)),
            right("right", "nothing is wrong", on: Chip(product: .turin, kind: .vlek, version: 5)),
        ]
    }

    /// Right ones that careless verifiers refuse, or that a policy may refuse.
    static var reported: [ForgedCase] {
        [
            right("without-list", "there is no revocation list, and the default policy asks for none") {
                $0.list = nil
            },
            right("chip-id-masked", "the platform hides its chip id") {
                $0.report[Layout.keyInfo] |= 2
                $0.report.put([UInt8].zeros(64), at: Layout.chipID)
            },
            right("chip-id-like-der", "the chip id begins like an OCTET STRING") {
                $0.endorsement.hardwareID?.put([4, 62], at: 0)
                $0.report.put([4, 62], at: Layout.chipID)
            },
            right("vmpl-1", "the guest runs at privilege level 1") { $0.report.put(UInt32(1), at: Layout.vmpl) },
            right("provisional-firmware", "current firmware is above the committed one") {
                $0.report[Layout.currentTCB + 7] += 1
                $0.report[Layout.currentFirmware] += 1
            },
            right("migration-allowed", "a migration agent is allowed") { $0.report[Layout.policy + 2] |= 0x04 },
            right("platform-information-bit-6", "platform information has bit 6, as real chips do", on: .turin) {
                $0.report[Layout.platformInfo] |= 0x40
            },
            right("others-revoked", "the list names certificates that are not these") {
                $0.list?.revoked = [[1, 2, 3]]
            },
        ]
    }
}

// MARK: Reports that cannot be read

extension SNPCases {
    static var lengths: [ForgedCase] {
        var cases = [
            ("empty", 0), ("version", 3), ("report-data", 0x8f), ("before-signature", 0x2a0), ("after-r", 0x2e8),
            ("last-byte", 0x49f),
        ].map { name, count in
            wrong("cut-\(name)", .evidenceMalformed, "AC-018", "the report has \(count) bytes") {
                $0.presentation.tamper = { $0 = Array($0.prefix(count)) }
            }
        }
        cases += [("trailing-byte", [1]), ("trailing-zero", [0]), ("followed-by-certificates", [UInt8].zeros(4_096))]
            .map {
                name, tail in
                wrong(name, .evidenceMalformed, "AC-018", "\(tail.count) bytes follow the report") {
                    $0.presentation.tamper = { $0 += tail }
                }
            }
        return cases
            + [TEE.sgx, .tdx, .hcl, .nitro].map { tee in
                wrong("given-as-\(tee.rawValue)", .evidenceMalformed, "AC-018", "it is given as evidence of \(tee)") {
                    $0.presentation.tee = tee
                    $0.presentation.accompanying = .nothing
                }
            }
    }

    /// Values that the ABI does not know. All are signed: only their form is wrong.
    static var formats: [ForgedCase] {
        var cases = [UInt32(0), 1, 6, 0x0300_0000].map { version in
            wrong("version-\(version)", .evidenceMalformed, "AC-018", "the report says version \(version)") {
                $0.report.put(version, at: Layout.version)
            }
        }
        cases += [UInt32(0), 2].map { algorithm in
            wrong(
                "signature-algorithm-\(algorithm)", .evidenceMalformed, "AC-018",
                "the report says signature algorithm \(algorithm)"
            ) { $0.report.put(algorithm, at: Layout.signatureAlgorithm) }
        }
        return cases
    }

    /// Each reserved field set, and the one bit that must be.
    static var reserved: [ForgedCase] {
        var cases = [
            ("policy-26", Layout.policy + 3, UInt8(0x04)), ("policy-63", Layout.policy + 7, 0x80),
            ("key-info-5", Layout.keyInfo, 0x20), ("key-info-31", Layout.keyInfo + 3, 0x80), ("04c", 0x04c, 1),
            ("18b", 0x18b, 1), ("19f", 0x19f, 1), ("1eb", 0x1eb, 1), ("1ef", 0x1ef, 1), ("1f8", 0x1f8, 1),
            ("200", 0x200, 1), ("208", 0x208, 1), ("29f", 0x29f, 1),
        ].map { name, offset, bits in
            wrong(
                "reserved-\(name)", .evidenceMalformed, "AC-018",
                "a reserved bit is set at 0x\(String(offset, radix: 16))"
            ) {
                $0.report[offset] |= bits
            }
        }
        cases += [("330", 0x330), ("49f", 0x49f)].map { name, offset in
            wrong("reserved-\(name)", .evidenceMalformed, "AC-018", "a byte behind the signature is set") {
                $0.presentation.tamper = { $0[offset] = 1 }
            }
        }
        return cases + [
            wrong("policy-bit-17-clear", .evidenceMalformed, "AC-018", "the policy's bit 17 is clear") {
                $0.report[Layout.policy + 2] &= 0xfd
            },
            wrong("product-named", .evidenceMalformed, "AC-018", "a report of version 2 names its product", on: .milan2)
            {
                $0.report.put([0x19, 0x01, 0x01], at: Layout.cpuid)
            },
        ]
    }
}
