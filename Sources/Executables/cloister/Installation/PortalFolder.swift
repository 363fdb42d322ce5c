import AttestationToken
import Encoding
import Evidence
import FoundationEssentials

/// The portal of one installation: the project's static files, and the two that say whom the hospital trusts.
struct PortalFolder {
    let state: StateFolder
    let ports: Ports
    let documents: Documents
    /// The project's `Portal` folder.
    let source: String

    private static let languages = ["en", "de", "fr", "pl", "ru", "ko", "zh"]

    /// What lies beside the page for those who work on it.
    private static let unserved: Set<String> = ["tests", "package.json", "README.md"]

    /// Copies the files anew and writes `config.json` and `party-policy.jws`.
    func write() throws(CommandFailure) {
        let target = state["portal"]
        let config = try configuration()
        do {
            for name in Files.list(target) { try FileManager.default.removeItem(atPath: target + "/" + name) }
            for name in Files.list(source) where !PortalFolder.unserved.contains(name) && !name.hasPrefix(".") {
                try FileManager.default.copyItem(atPath: source + "/" + name, toPath: target + "/" + name)
            }
        } catch {
            throw CommandFailure("the portal's files cannot be copied: \(error)")
        }
        try Files.write(config.canonical, to: target + "/config.json")
        try Files.write(
            try Files.line(documents.policyPath(.hospital)).utf8, to: target + "/party-policy.jws")
    }

    /// `formats.md` section 7.
    private func configuration() throws(CommandFailure) -> JSON {
        guard let policy = documents.policy(.hospital) else { throw CommandFailure("the hospital has no policy yet") }
        let issuers = policy.issuers.map { issuer -> JSON in
            ["url": .string(issuer.url), "pins": .array(issuer.pins.map { .string($0.description) })]
        }
        let languages = Files.list(source + "/languages").compactMap { name in
            name.split(separator: ".").first.map(String.init)
        }
        let offered = PortalFolder.languages.filter { languages.contains($0) }
        return [
            "format": "cloister-portal/1",
            "hospital": .string(Party.hospital.title),
            "party": .string(policy.party.description),
            "policy": "party-policy.jws",
            "platform": [
                "party": .string(try documents.keys(.platform).id.description),
                "url": .string(ports.url(Service.platform.rawValue)),
            ],
            "attestation": .array(issuers),
            "evidenceRoots": .array(try evidenceRoots()),
            "languages": .array((offered.isEmpty ? ["en"] : offered).map(JSON.string)),
        ]
    }

    /// The vendors' roots, and this installation's simulated ones, which the portal announces in a banner.
    private func evidenceRoots() throws(CommandFailure) -> [JSON] {
        let anchors: TrustAnchors
        do throws(Refusal) {
            let root = try SimulatedRoot(json: try rootFile())
            anchors = TrustAnchors.vendors.trusting(root)
        } catch {
            throw CommandFailure(error.detail, code: error.name)
        }
        return anchors.all.compactMap { anchor -> (String, JSON)? in
            let kind: String
            switch anchor.role {
            case .dcap: kind = "sgx"
            case .ark(let product): kind = "ark-\(product.rawValue.lowercased())"
            // The units that the portal meets run on neither.
            case .azureVTPM, .googleVTPM, .nitro, .nvidia: return nil
            }
            let isSimulated = anchor.grade == .simulated
            return (
                "\(kind) \(isSimulated) \(anchor.pin)",
                ["kind": .string(kind), "pin": .string(anchor.pin.description), "simulated": .bool(isSimulated)]
            )
        }.sorted { $0.0 < $1.0 }.map(\.1)
    }

    private func rootFile() throws(Refusal) -> [UInt8] {
        do throws(CommandFailure) { return try Files.read(state.simulatedRoot, maximumBytes: 1 << 20) } catch {
            throw Refusal(.notFound, error.problem)
        }
    }
}
