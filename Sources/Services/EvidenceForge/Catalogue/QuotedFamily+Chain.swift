import Encoding
import Evidence

// Chains of the PCK certificate that do not hold.
extension QuotedFamily {
    private static let places: [DCAPRecipe.Place] = [.pck, .authority, .root]

    /// Each link outside its time, signed by somebody else, or changed afterwards.
    var chainTimes: [ForgedCase] {
        QuotedFamily.places.flatMap { place in
            [
                wrong("\(place.name)-expired", .evidenceChain, "AC-002", "\(place.words) has expired") {
                    $0.dcap[place].notAfter = Forge.time - 1
                },
                wrong("\(place.name)-not-yet-valid", .evidenceChain, "AC-002", "\(place.words) is not yet valid") {
                    $0.dcap[place].notBefore = Forge.time + 1
                },
                wrong(
                    "\(place.name)-signed-by-stranger", .evidenceChain, "AC-002",
                    "\(place.words) is signed by a stranger"
                ) { recipe, forge in recipe.dcap[place].signer = try forge.strangers.p256("intel/root") },
                wrong(
                    "\(place.name)-signature-flipped", .evidenceChain, "AC-002",
                    "one bit of \(place.words)'s signature is wrong"
                ) { $0.dcap[place].tamper = { $0.flipLastBit() } },
                wrong(
                    "\(place.name)-serial-flipped", .evidenceChain, "AC-002",
                    "one bit of \(place.words)'s serial number is wrong"
                ) { $0.dcap[place].tamper = { $0[20] ^= 1 } },
                wrong(
                    "\(place.name)-unknown-critical-extension", .evidenceChain, "AC-002",
                    "\(place.words) has a critical extension that nobody knows"
                ) { $0.dcap[place].extensions.append(.unknownCritical) },
                wrong("\(place.name)-x509-version-2", .evidenceChain, "AC-002", "\(place.words) is of X.509 version 2")
                {
                    $0.dcap[place].version = 1
                },
            ]
        }
    }

    /// Certificates that may not do what they do, or do not say what they must.
    var chainRoles: [ForgedCase] {
        var cases = [
            wrong("ca-is-no-authority", .evidenceChain, "AC-002", "the CA's constraints deny that it is one") {
                $0.dcap.authority.set(.notAuthority)
            },
            wrong("ca-without-constraints", .evidenceChain, "AC-002", "the CA has no basic constraints") {
                $0.dcap.authority.remove(CertificateExtension.basicConstraintsID)
            },
            wrong("ca-may-not-certify", .evidenceChain, "AC-002", "the CA's key usage is to sign lists only") {
                $0.dcap.authority.set(.signsLists)
            },
            wrong("ca-without-key-usage", .evidenceChain, "AC-002", "the CA has no key usage") {
                $0.dcap.authority.remove(CertificateExtension.keyUsageID)
            },
            wrong("root-allows-no-ca", .evidenceChain, "AC-002", "the root's path length allows no CA below it") {
                $0.dcap.root.set(.authority(path: 0))
            },
            wrong("root-may-not-certify", .evidenceChain, "AC-002", "the root's key usage is to sign lists only") {
                $0.dcap.root.set(.signsLists)
            },
            wrong("pck-is-an-authority", .evidenceChain, "AC-002", "the PCK certificate is that of a CA") {
                $0.dcap.pck.set(.authority(path: nil))
            },
            wrong("pck-may-not-sign", .evidenceChain, "AC-002", "the PCK certificate's key usage is key agreement") {
                $0.dcap.pck.set(.agreesKeys)
            },
            wrong("pck-names-other-issuer", .evidenceChain, "AC-002", "the PCK certificate names another issuer") {
                $0.dcap.pck.issuer = .intel("Another PCK CA")
            },
            wrong("ca-names-other-issuer", .evidenceChain, "AC-002", "the CA names another issuer than the root") {
                $0.dcap.authority.issuer = .intel("Another Root CA")
            },
            wrong("pck-key-p384", .evidenceChain, "AC-002", "the PCK certificate's key is of P-384") { recipe, forge in
                recipe.dcap.pck.key = try forge.keys.p384("intel/pck-of-another-curve")
            },
            wrong(
                "pck-without-sgx-extension", .evidenceChain, "AC-002", "the PCK certificate says nothing of a platform"
            ) {
                $0.dcap.leavesExtensionAway = true
            },
            wrong("pck-pcesvn-65536", .evidenceChain, "AC-002", "PCESVN in the PCK certificate is 65536") {
                $0.dcap.platform.pceSVN = 65_536
            },
            wrong("pck-short-fmspc", .evidenceChain, "AC-002", "the FMSPC in the PCK certificate has five bytes") {
                $0.dcap.platform.fmspc.removeLast()
            },
        ]
        for (member, words) in [
            (".1", "PPID"), (".2", "TCB"), (".2.1", "first component"), (".2.16", "last component"),
            (".2.17", "PCESVN"), (".2.18", "CPUSVN"), (".3", "PCEID"), (".4", "FMSPC"),
        ] {
            let name = words.lowercased().split(separator: " ").joined(separator: "-")
            cases.append(
                wrong("pck-without-\(name)", .evidenceChain, "AC-002", "the PCK certificate lacks the \(words)") {
                    $0.dcap.platform.omitted = [member]
                })
        }
        return cases
    }

    /// The chain's composition and its text.
    var chainShapes: [ForgedCase] {
        let orders: [(String, String, [DCAPRecipe.Place])] = [
            ("chain-without-root", "the root is missing", [.pck, .authority]),
            ("chain-without-ca", "the CA is missing", [.pck, .root]),
            ("chain-leaf-only", "there is the PCK certificate only", [.pck]),
            ("chain-without-leaf", "the PCK certificate is missing", [.authority, .root]),
            ("chain-reversed", "the chain begins with the root", [.root, .authority, .pck]),
            ("chain-leaf-second", "the chain begins with the CA", [.authority, .pck, .root]),
            ("chain-with-certificate-twice", "the root is there twice", [.pck, .authority, .root, .root]),
            ("chain-of-the-signer", "the chain is that of the collateral's signer", [.signer, .authority, .root]),
            (
                "chain-ca-in-place-of-leaf", "the CA stands in place of the PCK certificate",
                [.authority, .authority, .root]
            ),
        ]
        var cases = orders.map { name, words, places in
            wrong(name, .evidenceChain, "AC-002", words) { $0.dcap.embeddedChain = places }
        }
        let texts: [(String, String, @Sendable (String) -> String)] = [
            ("chain-empty", "the chain is empty", { _ in "" }),
            ("chain-not-pem", "the chain is not PEM", { _ in String(repeating: "no certificate\n", count: 20) }),
            (
                "chain-with-text-between", "text stands between the certificates",
                {
                    $0.replacing(
                        "-----END CERTIFICATE-----\n", with: "-----END CERTIFICATE-----\nhidden\n", maxReplacements: 1)
                }
            ),
            (
                "chain-with-nul-between", "a zero byte stands between the certificates",
                {
                    $0.replacing(
                        "-----END CERTIFICATE-----\n", with: "-----END CERTIFICATE-----\n\0", maxReplacements: 1)
                }
            ),
            (
                "chain-without-last-line", "the last line is missing",
                {
                    String($0.dropLast("-----END CERTIFICATE-----\n".count))
                }
            ),
            (
                "chain-other-label", "the blocks are labelled as requests",
                {
                    $0.replacing("CERTIFICATE", with: "CERTIFICATE REQUEST")
                }
            ),
        ]
        cases += texts.map { name, words, rewrite in
            wrong(name, .evidenceChain, "AC-002", words) { $0.dcap.rewriteChain = rewrite }
        }
        return cases + [
            wrong(
                "chain-not-in-the-quote", .evidenceChain, "AC-002",
                "the quote names its platform by an encrypted PPID, and no chain is supplied"
            ) {
                $0.quote.certificationType = 3
                $0.quote.certificationData = .zeros(404)
            },
            wrong(
                "supplied-chain-of-other-platform", .evidenceChain, "AC-002",
                "the chain supplied beside the quote is for another PPID"
            ) {
                let platform = $0.dcap.platform
                $0.dcap.suppliesChain = true
                $0.quote.certificationType = 1
                $0.quote.certificationData =
                    platform.ppid.map { $0 ^ 1 } + platform.cpuSVN + .littleEndian(UInt16(platform.pceSVN))
            },
        ]
    }

    /// Complete worlds that a verifier was not told of.
    var roots: [ForgedCase] {
        let form = form
        return [
            wrong("foreign-simulated-root", .simulatedRoot, "AC-004", "everything stands under another simulated root")
            {
                recipe, forge in recipe = try forge.quoted(form, ofStrangers: true)
            },
            wrong("foreign-root", .untrustedRoot, "AC-003", "everything stands under a root that nobody named") {
                recipe, forge in
                recipe = try forge.quoted(form, ofStrangers: true)
                recipe.dcap.renameRoot(.intel("SGX Root CA"))
            },
            wrong(
                "foreign-root-with-intels-name", .untrustedRoot, "AC-003",
                "everything stands under another root of Intel's name"
            ) {
                recipe, forge in
                recipe = try forge.quoted(form, ofStrangers: true)
                recipe.dcap.renameRoot(.intel("Intel SGX Root CA"))
            },
            wrong(
                "collateral-of-foreign-root", .collateralInvalid, "AC-003",
                "the collateral is for this platform, but under another root"
            ) {
                recipe, forge in
                recipe.presentation.accompanying = .other(
                    .dcap(try forge.quoted(form, ofStrangers: true).dcap.issued().collateral))
            },
        ]
    }
}

extension DCAPRecipe {
    /// Gives the root another name everywhere.
    fileprivate mutating func renameRoot(_ name: DistinguishedName) {
        root.subject = name
        root.issuer = name
        authority.issuer = name
        signer.issuer = name
        rootList.issuer = name
    }
}
