import Encoding
import Evidence

// Collateral that does not hold, or that says that something is revoked.
extension QuotedFamily {
    /// The serial number of each link on the list that covers it.
    var revocation: [ForgedCase] {
        [
            wrong("pck-revoked", .certificateRevoked, "AC-013", "the PCK certificate is revoked") {
                $0.dcap.pckList.revoked = [$0.dcap.pck.serial]
            },
            wrong(
                "pck-revoked-among-many", .certificateRevoked, "AC-013",
                "the PCK certificate is the last of 200 that are revoked"
            ) {
                $0.dcap.pckList.revoked = (0..<199).map { [0x40, 0, UInt8($0)] } + [$0.dcap.pck.serial]
            },
            wrong("ca-revoked", .certificateRevoked, "AC-013", "the PCK certificate's CA is revoked") {
                $0.dcap.rootList.revoked = [$0.dcap.authority.serial]
            },
            wrong("tcb-signer-revoked", .certificateRevoked, "AC-013", "the signer of the collateral is revoked") {
                $0.dcap.rootList.revoked = [$0.dcap.signer.serial]
            },
            right("others-revoked", "both lists name certificates that are not these") {
                $0.dcap.rootList.revoked = [[1, 2, 3]]
                $0.dcap.pckList.revoked = [[1, 2, 3], $0.dcap.authority.serial]
            },
        ]
    }

    /// Both revocation lists.
    var lists: [ForgedCase] {
        let both: [(String, String, DCAPRecipe.List)] = [
            ("root-list", "the root's revocation list", .root), ("pck-list", "the PCK revocation list", .pck),
        ]
        return both.flatMap { name, words, list in
            [
                listCase("\(name)-expired", "\(words) has expired") {
                    $0.dcap[list].nextUpdate = Forge.time - 1
                },
                listCase("\(name)-ends-now", "\(words) ends at this second") {
                    $0.dcap[list].nextUpdate = Forge.time
                },
                listCase("\(name)-not-yet-valid", "\(words) is from the future") {
                    $0.dcap[list].thisUpdate = Forge.time + 1
                },
                wrong("\(name)-signed-by-stranger", .collateralInvalid, "AC-012", "\(words) is signed by a stranger") {
                    recipe, forge in recipe.dcap[list].signer = try forge.strangers.p256("intel/root")
                },
                listCase("\(name)-signature-flipped", "one bit of the signature of \(words) is wrong") {
                    $0.dcap[list].tamper = { $0.flipLastBit() }
                },
                listCase("\(name)-of-other-issuer", "\(words) names another issuer") {
                    $0.dcap[list].issuer = .intel("Another CA")
                },
                listCase("\(name)-is-a-delta", "\(words) holds changes only") {
                    $0.dcap[list].extensions = [.deltaList]
                },
                listCase("\(name)-cut", "\(words) is cut off") {
                    $0.dcap[list].tamper = { $0.removeLast(10) }
                },
                listCase("\(name)-empty", "\(words) is empty") { $0.dcap[list].tamper = { $0 = [] } },
            ]
        } + [
            listCase("ca-may-not-sign-lists", "the CA that signs the PCK revocation list may not") {
                $0.dcap.authority.set(.signsCertificates)
            },
            listCase("list-chain-without-root", "the chain of the PCK revocation list lacks the root") {
                $0.dcap.listChain = [.authority]
            },
            listCase("list-chain-of-signer", "the chain of the PCK revocation list is that of the collateral's signer")
            {
                $0.dcap.listChain = [.signer, .root]
            },
            wrong("pck-list-of-other-ca", .collateralInvalid, "AC-012", "the PCK revocation list is that of another CA")
            { recipe, forge in
                let key = try forge.keys.p256("intel/another-ca")
                let name = DistinguishedName.intel(DistinguishedName.rootPrefix + "SGX PCK Other CA")
                recipe.dcap.listAuthority = recipe.dcap.authority
                recipe.dcap.listAuthority?.key = key
                recipe.dcap.listAuthority?.subject = name
                recipe.dcap.pckList.issuer = name
                recipe.dcap.pckList.signer = key
            },
        ]
    }

    private func listCase(_ name: String, _ about: String, _ change: @escaping Change) -> ForgedCase {
        wrong(name, .collateralInvalid, "AC-012", about, change)
    }

    /// The TCB info: its time, its signature, its subject, its members.
    var tcbInfo: [ForgedCase] {
        documentCases("tcb-info", "the TCB info", .tcbInfo) + [
            infoCase("fmspc-other", "it is for another FMSPC") { $0.members["fmspc"] = "00606A000000" },
            infoCase("fmspc-short", "its FMSPC has five bytes") { $0.members["fmspc"] = "00606A0000" },
            infoCase("pceid-other", "it is for another PCEID") { $0.members["pceId"] = "0001" },
            infoCase("id-other", "it is for the other TEE") { [other = isNested ? "SGX" : "TDX"] in
                $0.members["id"] = .string(other)
            },
            infoCase("without-id", "it names no TEE") { $0.members["id"] = nil },
            infoCase("version-1", "its version is 1") { $0.members["version"] = 1 },
            infoCase("version-4", "its version is 4") { $0.members["version"] = 4 },
            infoCase("tcb-type-1", "its tcbType is 1") { $0.members["tcbType"] = 1 },
            infoCase("without-evaluation-number", "it has no evaluation data number") {
                $0.members["tcbEvaluationDataNumber"] = nil
            },
            infoCase("15-components", "its levels have 15 components") {
                $0.changeTCBs { $0["sgxtcbcomponents"] = .array(($0["sgxtcbcomponents"]?.array ?? []).dropLast()) }
            },
            infoCase("component-65536", "a component of its levels is 65536") {
                $0.changeTCBs { $0.setComponent(0, to: 65_536) }
            },
            infoCase("negative-component", "a component of its levels is negative") {
                $0.changeTCBs { $0.setComponent(0, to: -1) }
            },
            infoCase("pcesvn-65536", "PCESVN of its levels is 65536") { $0.changeTCBs { $0["pcesvn"] = 65_536 } },
        ]
    }

    private func infoCase(
        _ name: String, _ about: String, _ change: @escaping @Sendable (inout SignedDocument) -> Void
    ) -> ForgedCase {
        wrong("tcb-info-\(name)", .collateralInvalid, "AC-012", "the TCB info is wrong: \(about)") {
            change(&$0.dcap.tcbInfo)
        }
    }

    /// The identity of the quoting enclave as a document.
    var qeIdentity: [ForgedCase] {
        let ids = isNested ? ["QE", "QVE", "td_qe"] : ["TD_QE", "QVE", "qe"]
        return documentCases("qe-identity", "the QE identity", .qeIdentity)
            + ids.map { id in
                wrong(
                    "qe-identity-id-\(id.lowercased().replacing("_", with: "-"))", .collateralInvalid, "AC-012",
                    "the QE identity is that of \(id)"
                ) { $0.dcap.qeIdentity.members["id"] = .string(id) }
            } + [
                wrong("qe-identity-version-1", .collateralInvalid, "AC-012", "the QE identity is of version 1") {
                    $0.dcap.qeIdentity.members["version"] = 1
                },
                wrong("qe-identity-short-mask", .collateralInvalid, "AC-012", "a mask of the QE identity is short") {
                    $0.dcap.qeIdentity.members["attributesMask"] = "FBFFFFFFFFFFFFFF"
                },
                wrong("qe-identity-short-signer", .collateralInvalid, "AC-012", "MRSIGNER of the QE identity is short")
                { $0.dcap.qeIdentity.members["mrsigner"] = "00" },
            ]
    }

    /// What can be wrong with either document.
    private func documentCases(
        _ name: String, _ words: String, _ document: DCAPRecipe.Document
    ) -> [ForgedCase] {
        func invalid(
            _ suffix: String, _ about: String, _ change: @escaping @Sendable (inout SignedDocument) -> Void
        ) -> ForgedCase {
            wrong("\(name)-\(suffix)", .collateralInvalid, "AC-012", "\(words) \(about)") {
                change(&$0.dcap[document])
            }
        }
        return [
            invalid("expired", "has expired") { $0.members["nextUpdate"] = .string((Forge.time - 1).description) },
            invalid("ends-now", "ends at this second") { $0.members["nextUpdate"] = .string(Forge.time.description) },
            invalid("not-yet-valid", "is from the future") {
                $0.members["issueDate"] = .string((Forge.time + 1).description)
            },
            invalid("date-without-zone", "has a date that is none") { $0.members["issueDate"] = "2026-05-01T00:00:00" },
            invalid("signature-flipped", "has one bit of its signature wrong") { $0.tamper = { $1.flipLastBit() } },
            invalid("changed", "was changed after it was signed") {
                $0.tamper = { text, _ in
                    text = text.replacing(#""tcbEvaluationDataNumber":17"#, with: #""tcbEvaluationDataNumber":18"#)
                }
            },
            invalid("serialised-again", "has a space that was not signed") {
                $0.tamper = { text, _ in text = text.replacing(",", with: ", ", maxReplacements: 1) }
            },
            invalid("duplicate-member", "has a member twice") {
                $0.rewrite = { $0.replacing("{", with: #"{"issueDate":"2020-01-01T00:00:00Z","#, maxReplacements: 1) }
            },
            invalid("not-json", "is not JSON") { $0.rewrite = { String($0.dropLast()) } },
            invalid("without-levels", "has no levels") { $0.members["tcbLevels"] = [] },
            invalid("unknown-status", "has a status that does not exist") {
                $0.changeLevels { $0["tcbStatus"] = "Perfect" }
            },
            wrong("\(name)-signed-by-stranger", .collateralInvalid, "AC-012", "\(words) is signed by a stranger") {
                recipe, forge in recipe.dcap[document].signer = try forge.strangers.p256("intel/tcb-signing")
            },
            wrong("\(name)-signed-by-pck", .collateralInvalid, "AC-012", "\(words) is signed by the platform itself") {
                $0.dcap[document].signer = $0.dcap.pck.key
            },
        ]
    }

    /// The certificate that signs both documents, its chains, and collateral that is not there.
    var tcbInfoSigner: [ForgedCase] {
        let signer = DCAPRecipe.Place.signer
        func invalid(_ name: String, _ about: String, _ change: @escaping Change) -> ForgedCase {
            wrong(name, .collateralInvalid, "AC-012", about, change)
        }
        return [
            invalid("tcb-signer-expired", "\(signer.words) has expired") { $0.dcap.signer.notAfter = Forge.time - 1 },
            invalid("tcb-signer-not-yet-valid", "\(signer.words) is not yet valid") {
                $0.dcap.signer.notBefore = Forge.time + 1
            },
            wrong(
                "tcb-signer-signed-by-stranger", .collateralInvalid, "AC-012",
                "\(signer.words) is certified by a stranger"
            ) { recipe, forge in recipe.dcap.signer.signer = try forge.strangers.p256("intel/root") },
            invalid("tcb-signer-signature-flipped", "one bit of the signature of \(signer.words) is wrong") {
                $0.dcap.signer.tamper = { $0.flipLastBit() }
            },
            invalid("tcb-signer-is-an-authority", "\(signer.words) is a CA") {
                $0.dcap.signer.set(.authority(path: nil))
            },
            invalid("tcb-signer-may-not-sign", "the key usage of \(signer.words) is key agreement") {
                $0.dcap.signer.set(.agreesKeys)
            },
            invalid("tcb-info-chain-without-root", "the chain of the TCB info lacks the root") {
                $0.dcap.tcbInfoChain = [.signer]
            },
            invalid("tcb-info-chain-of-ca", "the chain of the TCB info is that of the PCK certificate's CA") {
                $0.dcap.tcbInfoChain = [.authority, .root]
            },
            invalid("qe-identity-chain-without-root", "the chain of the QE identity lacks the root") {
                $0.dcap.qeIdentityChain = [.signer]
            },
            right(
                "qe-identity-chain-reversed", "the chain of the QE identity begins with the root, as in Intel's samples"
            ) {
                $0.dcap.qeIdentityChain = [.root, .signer]
            },
            invalid("without-collateral", "there is no collateral") { $0.presentation.accompanying = .nothing },
            wrong("with-collateral-of-amd", .collateralInvalid, "AC-012", "the collateral is AMD's") { recipe, forge in
                recipe.presentation.accompanying = .other(.snp(try forge.snp(.milan, version: 3).collateral()))
            },
        ]
    }
}
