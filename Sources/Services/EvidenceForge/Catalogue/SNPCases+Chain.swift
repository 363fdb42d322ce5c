import Encoding
import Evidence

// Chains of AMD's that do not hold.
extension SNPCases {
    /// Each link outside its time, signed by somebody else, or changed afterwards.
    static var links: [ForgedCase] {
        [SNPRecipe.Link.leaf, .authority, .ark].flatMap { link in
            [
                wrong("\(link.name)-expired", .evidenceChain, "AC-002", "the \(link.words) has expired") {
                    $0[link].notAfter = Forge.time - 1
                },
                wrong("\(link.name)-not-yet-valid", .evidenceChain, "AC-002", "the \(link.words) is not yet valid") {
                    $0[link].notBefore = Forge.time + 1
                },
                wrong(
                    "\(link.name)-signed-by-stranger", .evidenceChain, "AC-002",
                    "the \(link.words) is signed by a stranger"
                ) { recipe, forge in recipe[link].signer = try forge.keys.pss(.arkGenoa) },
                wrong(
                    "\(link.name)-signature-flipped", .evidenceChain, "AC-002",
                    "one bit of the \(link.words)'s signature is wrong"
                ) { $0[link].tamper = { $0.flipLastBit() } },
                wrong(
                    "\(link.name)-serial-flipped", .evidenceChain, "AC-002",
                    "one bit of the \(link.words)'s serial number is wrong"
                ) { $0[link].tamper = { $0[15] ^= 1 } },
                wrong(
                    "\(link.name)-unknown-critical-extension", .evidenceChain, "AC-002",
                    "the \(link.words) has a critical extension that nobody knows"
                ) { $0[link].extensions.append(.unknownCritical) },
                wrong(
                    "\(link.name)-x509-version-2", .evidenceChain, "AC-002", "the \(link.words) is of X.509 version 2"
                ) {
                    $0[link].version = 1
                },
            ]
        } + [
            wrong("leaf-expired", .evidenceChain, "AC-002", "the VLEK has expired", on: .vlek) {
                $0.leaf.notAfter = Forge.time - 1
            },
            wrong("asvk-expired", .evidenceChain, "AC-002", "the ASVK has expired", on: .vlek) {
                $0.authority.notAfter = Forge.time - 1
            },
            wrong(
                "vcek-signed-with-pkcs1", .evidenceChain, "AC-002",
                "the VCEK is signed in the older RSA form by a stranger"
            ) { recipe, forge in recipe.leaf.signer = try forge.keys.pkcs1(.vtpmRoot) },
        ]
    }

    /// Certificates that may not do what they do.
    static var roles: [ForgedCase] {
        [
            wrong("ask-is-no-authority", .evidenceChain, "AC-002", "the ASK's constraints deny that it is an authority")
            {
                $0.authority.set(.notAuthority)
            },
            wrong("ask-may-not-certify", .evidenceChain, "AC-002", "the ASK's key usage is to sign lists only") {
                $0.authority.set(.signsLists)
            },
            wrong("ask-without-key-usage", .evidenceChain, "AC-002", "the ASK has no key usage") {
                $0.authority.remove(CertificateExtension.keyUsageID)
            },
            wrong("ark-is-no-authority", .evidenceChain, "AC-002", "the ARK's constraints deny that it is an authority")
            {
                $0.ark.set(.notAuthority)
            },
            wrong("ark-allows-no-ask", .evidenceChain, "AC-002", "the ARK's path length allows no authority below it") {
                $0.ark.set(.authority(path: 0))
            },
            wrong("vcek-is-an-authority", .evidenceChain, "AC-002", "the VCEK is that of an authority") {
                $0.leaf.extensions.append(.authority(path: nil))
            },
            wrong("vcek-may-not-sign", .evidenceChain, "AC-002", "the VCEK's key usage is key agreement") {
                $0.leaf.extensions.append(.agreesKeys)
            },
            wrong("vcek-key-p256", .evidenceChain, "AC-002", "the VCEK's key is of P-256") { recipe, forge in
                recipe.leaf.key = try forge.keys.p256("amd/key-of-another-curve")
            },
            wrong("vcek-names-other-issuer", .evidenceChain, "AC-002", "the VCEK names another issuer") {
                $0.leaf.issuer = .amd("SEV-Genoa")
            },
            wrong("vcek-other-name", .evidenceChain, "AC-002", "the VCEK is called neither VCEK nor VLEK") {
                $0.leaf.subject = .amd("SEV-ARK")
            },
            wrong("vcek-called-vlek", .evidenceChain, "AC-002", "the VCEK is called VLEK") {
                $0.leaf.subject = .amd("SEV-VLEK")
            },
            wrong("ask-of-other-product", .evidenceChain, "AC-002", "the ASK is called that of Genoa") {
                $0.renameAuthority("SEV-Genoa")
            },
            wrong("ask-called-asvk", .evidenceChain, "AC-002", "an ASVK issued the VCEK") {
                $0.renameAuthority("SEV-VLEK-Milan")
            },
            wrong("asvk-called-ask", .evidenceChain, "AC-002", "an ASK issued the VLEK", on: .vlek) {
                $0.renameAuthority("SEV-Milan")
            },
        ]
    }

    /// The chain's composition.
    static var shapes: [ForgedCase] {
        let orders: [(String, String, [SNPRecipe.Link])] = [
            ("chain-reversed", "the ARK stands before the ASK", [.ark, .authority]),
            ("chain-without-ask", "the ASK is missing", [.ark]),
            ("chain-without-ark", "the ARK is missing", [.authority]),
            ("chain-with-ark-twice", "the ARK is there twice", [.authority, .ark, .ark]),
            ("chain-empty", "there are no issuers", []),
            ("chain-ask-twice", "the ASK stands in place of the ARK", [.authority, .authority]),
        ]
        return orders.map { name, words, links in
            wrong(name, .evidenceChain, "AC-002", words) { $0.issuerChain = links }
        } + [
            wrong("without-collateral", .evidenceChain, "AC-012", "there are no certificates") {
                $0.presentation.accompanying = .nothing
            },
            wrong("with-collateral-of-intel", .collateralInvalid, "AC-012", "the collateral is Intel's") {
                recipe, forge in
                recipe.presentation.accompanying = .other(.dcap(try forge.quoted(.sgx3).dcap.issued().collateral))
            },
            wrong("vcek-with-its-chain", .evidenceChain, "AC-002", "the chain stands behind the VCEK as well") {
                recipe, _ in
                let own = try recipe.collateral()
                recipe.presentation.accompanying = .other(
                    .snp(SNPCollateral(vek: own.vek + own.chain, chain: own.chain, crl: own.crl)))
            },
            wrong("vcek-not-pem", .evidenceChain, "AC-002", "the VCEK is not PEM") { recipe, _ in
                let own = try recipe.collateral()
                recipe.presentation.accompanying = .other(
                    .snp(SNPCollateral(vek: "no certificate", chain: own.chain, crl: own.crl)))
            },
        ]
    }

    /// Complete chains that a verifier was not told of.
    static var roots: [ForgedCase] {
        [Chip.milan, .genoa, .turin, .vlek].flatMap { chip in
            [
                wrong(
                    "foreign-simulated-root", .simulatedRoot, "AC-004",
                    "everything stands under another simulated root", on: chip
                ) {
                    recipe, forge in
                    recipe = try forge.snp(chip.product, chip.kind, version: chip.version, ofStrangers: true)
                },
                wrong(
                    "foreign-root", .untrustedRoot, "AC-003", "everything stands under another root of AMD's name",
                    on: chip
                ) {
                    recipe, forge in
                    recipe = try forge.snp(chip.product, chip.kind, version: chip.version, ofStrangers: true)
                    recipe.renameRoot("ARK-\(chip.product.rawValue)")
                },
            ]
        } + [
            wrong(
                "ark-of-other-product", .simulatedRoot, "AC-003",
                "the chain ends in the root of Genoa, which does not vouch for Milan"
            ) { recipe, forge in
                let key = try forge.keys.pss(.arkGenoa)
                recipe.ark.key = key
                recipe.ark.signer = key
                recipe.authority.signer = key
                recipe.list?.signer = key
            },
            wrong("vcek-of-stranger", .evidenceChain, "AC-002", "a stranger's ASK of the same name issued the VCEK") {
                recipe, forge in
                let other = try forge.snp(.milan, version: 3, ofStrangers: true)
                recipe.leaf = other.leaf
                recipe.signer = other.signer
            },
        ]
    }
}

extension SNPRecipe {
    /// Gives the root another name everywhere.
    mutating func renameRoot(_ name: String) {
        ark.subject = .amd(name)
        ark.issuer = .amd(name)
        authority.issuer = .amd(name)
        list?.issuer = .amd(name)
    }

    fileprivate mutating func renameAuthority(_ name: String) {
        authority.subject = .amd(name)
        leaf.issuer = .amd(name)
    }
}

extension SNPRecipe.Link {
    /// In names of cases, and in words.
    fileprivate var name: String {
        switch self {
        case .ark: "ark"
        case .authority: "ask"
        case .leaf: "vcek"
        }
    }

    fileprivate var words: String { name.uppercased() }
}
