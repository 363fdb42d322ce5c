import Encoding
import Evidence

// Chains of Nitro documents that do not hold, times, signatures, and what policies refuse.
extension NitroCases {
    private static func chained(_ name: String, _ about: String, _ change: @escaping Change) -> ForgedCase {
        wrong(name, .evidenceChain, "AC-002", about, change)
    }

    /// Each link outside its time, signed by somebody else, or changed afterwards.
    static var links: [ForgedCase] {
        NitroChainRecipe.Link.allCases.flatMap { link in
            [
                chained("\(link)-expired", "the certificate of the \(link) has expired") {
                    $0.chain[link].notAfter = Forge.time - 1
                },
                chained("\(link)-not-yet-valid", "the certificate of the \(link) is not yet valid") {
                    $0.chain[link].notBefore = Forge.time + 1
                },
                wrong(
                    "\(link)-signed-by-stranger", .evidenceChain, "AC-002",
                    "a stranger signed the certificate of the \(link)"
                ) { recipe, forge in recipe.chain[link].signer = try forge.strangers.p384("nitro/root") },
                chained("\(link)-signature-flipped", "one bit of the signature on the \(link)'s certificate is wrong") {
                    $0.chain[link].tamper = { $0.flipLastBit() }
                },
                chained(
                    "\(link)-unknown-critical-extension",
                    "the certificate of the \(link) has a critical extension that nobody knows"
                ) { $0.chain[link].extensions.append(.unknownCritical) },
            ]
        }
    }

    /// The chain's composition, and certificates that may not do what they do.
    static var shapes: [ForgedCase] {
        [
            chained("without-issuers", "there are no issuers") { $0.bundle = [] },
            chained("issuers-null", "the issuers are null") {
                $0.change = { members in
                    for index in members.indices where members[index].key.isText("cabundle") {
                        members[index].value = .null
                    }
                }
            },
            chained("without-root", "the root is missing") { $0.bundle = Array($0.chain.bundle.dropFirst()) },
            chained("without-region", "the region's certificate is missing") {
                $0.bundle = [$0.chain.root, $0.chain.zone, $0.chain.instance]
            },
            chained("without-zone", "the zone's certificate is missing") {
                $0.bundle = [$0.chain.root, $0.chain.region, $0.chain.instance]
            },
            chained("without-instance", "the instance's certificate is missing") {
                $0.bundle = Array($0.chain.bundle.dropLast())
            },
            chained("issuers-reversed", "the issuers are in the other order") {
                $0.bundle = $0.chain.bundle.reversed()
            },
            chained("issuers-swapped", "region and zone have changed places") {
                $0.bundle = [$0.chain.root, $0.chain.zone, $0.chain.region, $0.chain.instance]
            },
            chained("self-signed", "the document's certificate is signed by its own key, and no issuer is there") {
                $0.chain.leaf.issuer = $0.chain.leaf.subject
                $0.chain.leaf.signer = $0.chain.leaf.key
                $0.bundle = []
            },
            chained("issuer-of-itself", "the document's certificate is its own root") {
                $0.chain.leaf.issuer = $0.chain.leaf.subject
                $0.chain.leaf.signer = $0.chain.leaf.key
                $0.bundle = [$0.chain.leaf]
            },
            chained("certificate-cut", "the document's certificate is cut off") {
                $0.chain.leaf.tamper = { $0.removeLast(20) }
            },
            chained("leaf-is-an-authority", "the document's certificate is that of an authority") {
                $0.chain.leaf.set(.authority(path: nil))
            },
            chained("leaf-may-not-sign", "the document's certificate is for key agreement") {
                $0.chain.leaf.set(.agreesKeys)
            },
            wrong("leaf-key-p256", .evidenceChain, "AC-002", "the key of the document's certificate is of P-256") {
                recipe, forge in recipe.chain.leaf.key = try forge.keys.p256("nitro/leaf")
            },
            chained("instance-is-no-authority", "the instance's certificate is not that of an authority") {
                $0.chain.instance.set(.notAuthority)
            },
            chained("instance-may-not-certify", "the instance's certificate may sign lists only") {
                $0.chain.instance.set(.signsLists)
            },
            chained("region-allows-no-instance", "the region's path length allows no instance") {
                $0.chain.region.set(.authority(path: 1))
            },
            chained("zone-names-other-issuer", "the zone's certificate names another issuer") {
                $0.chain.zone.issuer = .aws("another.aws.nitro-enclaves")
            },
        ]
    }

    /// Complete chains that a verifier was not told of.
    static var roots: [ForgedCase] {
        [
            wrong("foreign-simulated-root", .simulatedRoot, "AC-004", "everything stands under another simulated root")
            {
                recipe, forge in recipe = try forge.nitro(ofStrangers: true)
            },
            wrong("foreign-root", .untrustedRoot, "AC-003", "everything stands under another root of AWS's name") {
                recipe, forge in
                recipe = try forge.nitro(ofStrangers: true)
                let name = DistinguishedName.aws("aws.nitro-enclaves")
                recipe.chain.root.subject = name
                recipe.chain.root.issuer = name
                recipe.chain.region.issuer = name
            },
        ]
    }

    /// The document's own time against its certificate and the verifier.
    static var times: [ForgedCase] {
        [
            chained("made-before-its-certificate", "the document is older than its certificate") {
                $0.milliseconds -= 3_600_000
            },
            chained("made-after-its-certificate", "the document is younger than its certificate's end") {
                $0.milliseconds += 20_000_000
            },
            chained("made-in-the-future", "the document was made ten minutes from now") { $0.milliseconds += 610_000 },
            chained("timestamp-in-seconds", "the timestamp is in seconds") { $0.milliseconds /= 1_000 },
            chained("timestamp-zero", "the timestamp is zero") { $0.milliseconds = 0 },
        ]
    }

    static var signature: [ForgedCase] {
        let values: [(String, String, @Sendable (inout [UInt8]) -> Void)] = [
            ("flipped", "has one bit wrong", { $0[50] ^= 1 }),
            ("r-zero", "has r zero", { $0.put([UInt8].zeros(48), at: 0) }),
            ("s-zero", "has s zero", { $0.put([UInt8].zeros(48), at: 48) }),
            ("all-ones", "is all ones", { $0 = [UInt8](repeating: 0xff, count: 96) }),
            ("swapped", "has s before r", { $0 = Array($0[48...] + $0[..<48]) }),
        ]
        return values.map { name, words, change in
            wrong("signature-\(name)", .evidenceSignature, "AC-001", "the signature \(words)") {
                $0.changeSignature = change
            }
        } + [
            wrong(
                "signed-by-instance", .evidenceSignature, "AC-001", "the instance's key signs in place of the enclave's"
            ) {
                $0.signer = $0.chain.instance.key
            },
            wrong("signed-by-stranger", .evidenceSignature, "AC-001", "a stranger's key signs") { recipe, forge in
                recipe.signer = try forge.strangers.p384("nitro/leaf")
            },
            flipped("module-id", after: "i-", at: 2), flipped("timestamp", after: "timestamp", at: 8),
            flipped("pcr0", after: "pcrs", at: 10), flipped("pcr3", after: "pcrs", at: 160),
            wrong("flipped-nonce", .evidenceSignature, "AC-001", "one bit of the nonce is wrong") {
                // The signature and its head follow the nonce.
                $0.presentation.tamper = { $0[$0.count - 99] ^= 1 }
                $0.presentation.binding = Array(Forge.binding.dropLast()) + [1]
            },
        ]
    }

    /// One bit in the payload, some bytes after the first place where `text` stands.
    private static func flipped(_ name: String, after text: String, at distance: Int) -> ForgedCase {
        wrong("flipped-\(name)", .evidenceSignature, "AC-001", "one bit of the \(name) is wrong") {
            $0.presentation.tamper = { document in
                guard let range = document.firstRange(of: Array(text.utf8)) else { return }
                document[range.upperBound + distance] ^= 1
            }
        }
    }

    static var policy: [ForgedCase] {
        [
            wrong("debug", .debugEnabled, "AC-005", "PCR0 to PCR2 are zero, as in a debug enclave") {
                for index in 0...2 { $0.pcrs[index].1 = .zeros(48) }
            },
            wrong("debug-without-pcrs", .debugEnabled, "AC-005", "PCR0 to PCR2 are missing") { $0.pcrs.removeFirst(3) },
            wrong("binding-other", .bindingMismatch, "AC-015", "the nonce is not what was asked for") {
                $0.presentation.binding = Forge.otherBinding
            },
            wrong("binding-longer", .bindingMismatch, "AC-015", "the nonce goes on after what was asked for") {
                $0.nonce? += [0]
            },
            wrong("binding-missing", .bindingMismatch, "AC-015", "there is neither nonce nor user data") {
                $0.nonce = nil
            },
            wrong(
                "binding-in-user-data-only", .bindingMismatch, "AC-017",
                "what was asked for is in the user data, the nonce is another session's"
            ) {
                $0.userData = $0.nonce
                $0.nonce = Forge.otherBinding
            },
        ]
    }
}
