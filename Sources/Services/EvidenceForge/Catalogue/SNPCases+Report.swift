import Encoding
import Evidence

// Revocation, signatures, TCB versions, chips, and what policies refuse.
extension SNPCases {
    static var revocation: [ForgedCase] {
        func listCase(_ name: String, _ about: String, _ change: @escaping Change) -> ForgedCase {
            wrong("list-\(name)", .collateralInvalid, "AC-012", "the revocation list \(about)", change)
        }
        return [
            wrong("vcek-revoked", .certificateRevoked, "AC-013", "the VCEK is revoked") { $0.list?.revoked = [[0]] },
            wrong(
                "vcek-with-serial-revoked", .certificateRevoked, "AC-013",
                "the VCEK has a serial number, which is revoked"
            ) {
                $0.leaf.serial = [0x99, 1, 2]
                $0.list?.revoked = [[5], [0x99, 1, 2]]
            },
            wrong("ask-revoked", .certificateRevoked, "AC-013", "the ASK is revoked") {
                $0.list?.revoked = [$0.authority.serial]
            },
            wrong("ark-revoked", .certificateRevoked, "AC-013", "the ARK has revoked itself") {
                $0.list?.revoked = [$0.ark.serial]
            },
            wrong("revoked", .certificateRevoked, "AC-013", "the VLEK is revoked", on: .vlek) {
                $0.list?.revoked = [$0.leaf.serial]
            },
            wrong("asvk-revoked", .certificateRevoked, "AC-013", "the ASVK is revoked", on: .vlek) {
                $0.list?.revoked = [$0.authority.serial]
            },
            wrong("ask-revoked", .certificateRevoked, "AC-013", "the ASK is revoked", on: .genoa) {
                $0.list?.revoked = [$0.authority.serial]
            },
            wrong("ask-revoked", .certificateRevoked, "AC-013", "the ASK is revoked", on: .turin) {
                $0.list?.revoked = [$0.authority.serial]
            },
            listCase("expired", "has expired") { $0.list?.nextUpdate = Forge.time - 1 },
            listCase("ends-now", "ends at this second") { $0.list?.nextUpdate = Forge.time },
            listCase("not-yet-valid", "is from the future") { $0.list?.thisUpdate = Forge.time + 1 },
            listCase("signed-by-ask", "is signed by the ASK") { $0.list?.signer = $0.authority.key },
            listCase("signature-flipped", "has one bit of its signature wrong") {
                $0.list?.tamper = { $0.flipLastBit() }
            },
            listCase("of-other-product", "names the issuer of another product") {
                $0.list?.issuer = .amd(DistinguishedName.rootPrefix + "ARK-Genoa")
            },
            listCase("is-a-delta", "holds changes only") { $0.list?.extensions = [.deltaList] },
            listCase("cut", "is cut off") { $0.list?.tamper = { $0.removeLast(10) } },
            listCase("empty", "is empty") { $0.list?.tamper = { $0 = [] } },
            listCase("ark-may-not-sign", "is signed by an ARK that may not sign lists") {
                $0.ark.set(.signsCertificates)
            },
        ]
    }

    /// Each field of the signed part with one bit wrong, and the signature itself.
    static var signature: [ForgedCase] {
        let flips = [
            ("guest-svn", Layout.guestSVN), ("policy", Layout.policy), ("family-id", Layout.familyID),
            ("image-id", Layout.imageID), ("vmpl", Layout.vmpl), ("current-tcb", Layout.currentTCB),
            ("platform-information", Layout.platformInfo), ("report-data", Layout.reportData + 63),
            ("measurement", Layout.measurement), ("host-data", Layout.hostData), ("id-key-digest", Layout.idKeyDigest),
            ("author-key-digest", Layout.authorKeyDigest), ("report-id", Layout.reportID),
            ("reported-tcb", Layout.reportedTCB), ("stepping", Layout.cpuid + 2), ("chip-id", Layout.chipID),
            ("committed-tcb", Layout.committedTCB), ("firmware", Layout.currentFirmware),
            ("launch-tcb", Layout.launchTCB),
        ].map { name, offset in
            wrong(
                "flipped-\(name)", .evidenceSignature, "AC-001",
                "one bit of the \(name.replacing("-", with: " ")) is wrong"
            ) { $0.presentation.tamper = { $0[offset] ^= 1 } }
        }
        let order =
            Hex.decode(
                "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973")
            ?? []
        let values: [(String, String, @Sendable (inout [UInt8]) -> Void)] = [
            ("flipped", "has one bit wrong", { $0[0] ^= 1 }),
            ("r-zero", "has r zero", { $0.put([UInt8].zeros(48), at: 0) }),
            ("s-zero", "has s zero", { $0.put([UInt8].zeros(48), at: 72) }),
            ("r-order", "has the group's order as r", { $0.put(order.reversed(), at: 0) }),
            ("s-order", "has the group's order as s", { $0.put(order.reversed(), at: 72) }),
            ("r-padding", "has a bit behind r", { $0[71] = 0x80 }),
            ("s-padding", "has a bit behind s", { $0[72 + 48] = 1 }),
            ("big-endian", "has r and s in the other byte order", { $0 = bigEndian($0) }),
            ("swapped", "has s before r", { $0 = Array($0[72...] + $0[..<72]) }),
        ]
        return flips
            + values.map { name, words, change in
                wrong("signature-\(name)", .evidenceSignature, "AC-001", "the signature \(words)") {
                    $0.changeSignature = change
                }
            } + [
                wrong("signed-by-stranger", .evidenceSignature, "AC-001", "a stranger's key signs the report") {
                    recipe, forge in
                    recipe.signer = try forge.strangers.p384("amd/Milan/vcek/key")
                },
                wrong(
                    "signed-by-stranger", .evidenceSignature, "AC-001", "a stranger's key signs the report", on: .vlek
                ) {
                    recipe, forge in recipe.signer = try forge.strangers.p384("amd/Milan/vlek/key")
                },
            ]
    }

    private static func bigEndian(_ signature: [UInt8]) -> [UInt8] {
        [signature[..<48], signature[72..<120]].flatMap { $0.reversed() + .zeros(24) }
    }

    /// Components of the reported TCB that contradict the certificate, or the committed or the current TCB.
    static var tcb: [ForgedCase] {
        tcb(on: .milan, [("boot-loader", 0), ("tee", 1), ("snp", 6), ("microcode", 7)])
            + tcb(on: .turin, [("fmc", 0), ("boot-loader", 1), ("tee", 2), ("snp", 3), ("microcode", 7)])
    }

    /// - Parameter components: name and byte in TCB_VERSION.
    private static func tcb(on chip: Chip, _ components: [(String, Int)]) -> [ForgedCase] {
        let every = [Layout.reportedTCB, Layout.currentTCB, Layout.committedTCB, Layout.launchTCB]
        var cases: [ForgedCase] = []
        for (name, byte) in components {
            let words = name.replacing("-", with: " ")
            cases.append(
                wrong(
                    "\(name)-above-certificate", .tcbInconsistent, "AC-011",
                    "the report's \(words) is above the certificate's", on: chip
                ) {
                    for field in every { $0.report[field + byte] += 1 }
                })
            // Nothing is below zero.
            guard SNPReportRecipe.tcb(chip.product).bytes(product: chip.product)[byte] > 0 else { continue }
            cases.append(
                wrong(
                    "\(name)-below-certificate", .tcbInconsistent, "AC-011",
                    "the report's \(words) is below the certificate's", on: chip
                ) {
                    for field in every { $0.report[field + byte] -= 1 }
                })
            for (which, field) in [("committed", Layout.committedTCB), ("current", Layout.currentTCB)] {
                cases.append(
                    wrong(
                        "\(which)-\(name)-below-reported", .tcbInconsistent, "AC-011",
                        "the \(which) \(words) is below the reported one", on: chip
                    ) {
                        $0.report[field + byte] -= 1
                    })
            }
        }
        return cases
    }

    /// Reports of one chip under the certificate of another.
    static var chips: [ForgedCase] {
        [
            wrong("chip-cloned", .tcbInconsistent, "AC-021", "the report claims to be of another chip") {
                recipe, forge in
                recipe.report.put(forge.strangers.bytes("amd/Milan/chip", 64), at: Layout.chipID)
            },
            wrong("chip-first-byte", .tcbInconsistent, "AC-021", "the first byte of the chip id is another") {
                $0.report[Layout.chipID] ^= 1
            },
            wrong("chip-last-byte", .tcbInconsistent, "AC-021", "the last byte of the chip id is another") {
                $0.report[Layout.chipID + 63] ^= 1
            },
            wrong(
                "chip-id-zero", .tcbInconsistent, "AC-021", "the chip id is zero though the platform does not hide it"
            ) {
                $0.report.put([UInt8].zeros(64), at: Layout.chipID)
            },
            wrong("chip-last-byte", .tcbInconsistent, "AC-021", "the last byte of the chip id is another", on: .turin) {
                $0.report[Layout.chipID + 7] ^= 1
            },
            wrong(
                "chip-id-continues", .tcbInconsistent, "AC-021", "something follows the chip id's eight bytes",
                on: .turin
            ) {
                $0.report[Layout.chipID + 8] = 1
            },
            wrong("chip-cloned", .tcbInconsistent, "AC-021", "the report claims to be of another chip", on: .milan2) {
                $0.report[Layout.chipID + 10] ^= 1
            },
        ]
    }

    static var policy: [ForgedCase] {
        [Chip.milan, .genoa, .turin, .vlek, .milan2].map { chip in
            wrong("debug", .debugEnabled, "AC-005", "the guest policy allows debugging", on: chip) {
                $0.report[Layout.policy + 2] |= 0x08
            }
        } + [
            wrong("binding-other", .bindingMismatch, "AC-015", "the report data is not what was asked for") {
                $0.presentation.binding = Array(Forge.binding.prefix(31)) + [0] + .zeros(32)
            },
            wrong("binding-of-other-session", .bindingMismatch, "AC-017", "the report data is that of another session")
            {
                $0.presentation.binding = Forge.otherBinding
            },
            wrong("binding-last-byte", .bindingMismatch, "AC-015", "the last byte of the report data is another") {
                $0.presentation.binding = Array(Forge.binding.prefix(63)) + [1]
            },
        ]
    }
}
