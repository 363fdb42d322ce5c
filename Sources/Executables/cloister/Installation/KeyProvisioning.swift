import AttestationToken
import Encoding
import ServiceKit

/// Creates the keys of hospital and provider, and keeps their release policies at the releases that run.
///
/// An upgrade takes three steps: add the new measurement, roll out, remove the old one (architecture section 11 rule 8).
struct KeyProvisioning: Sendable {
    let state: StateFolder
    let hospital: KeyServiceClient
    let provider: KeyServiceClient
    let records: JSON
    let model: JSON

    /// The key under which the hospital's records are encrypted.
    static let recordKey = "records"

    /// - Parameter manifests: what runs now, by vendor.
    init(
        state: StateFolder, client: Client, ports: Ports, documents: Documents, manifests: [Party: ReleaseManifest]
    ) throws(CommandFailure) {
        self.state = state
        hospital = KeyServiceClient(
            client: client, url: ports.url(Service.keys.rawValue), token: try Files.line(state.administratorToken))
        provider = KeyServiceClient(
            client: client, url: ports.url(Service.providerKeys.rawValue),
            token: try Files.line(state.party(.provider, "keys/administrator-token")))
        guard let platformManifest = manifests[.platform], let diagnosticsManifest = manifests[.provider] else {
            throw CommandFailure("a release manifest is missing")
        }
        records = try KeyProvisioning.policy(
            of: .hospital, documents, releasing: platformManifest, to: try documents.keys(.platform).id)
        model = try KeyProvisioning.policy(
            of: .provider, documents, releasing: diagnosticsManifest, to: try documents.keys(.provider).id)
    }

    private static func policy(
        of owner: Party, _ documents: Documents, releasing manifest: ReleaseManifest, to party: Digest
    ) throws(CommandFailure) -> JSON {
        guard let issuers = documents.policy(owner)?.issuers, !issuers.isEmpty else {
            throw CommandFailure("the \(owner.rawValue) has no policy that names an issuer")
        }
        do throws(Refusal) {
            // Each issuer may vouch; how many must agree is in the owner's policy.
            var entries: [JSON] = []
            for issuer in issuers {
                let policy = try ReleasePolicy.json(
                    for: manifest, authority: issuer.url, party: party, allowSimulated: issuer.simulated)
                entries += policy["anyOf"]?.array ?? []
            }
            return ["version": "1.0.0", "anyOf": .array(entries)]
        } catch {
            throw CommandFailure(error.detail, code: error.name)
        }
    }

    /// Before the units start: keys exist, and both the running and the new measurement get them.
    func provide(model file: String) async throws(CommandFailure) {
        if let bundle = try await hospital.key(KeyProvisioning.recordKey) {
            try await add(records, to: KeyProvisioning.recordKey, bundle, hospital)
        } else {
            _ = try await hospital.create(KeyProvisioning.recordKey, policy: records)
        }
        let plaintext = try Files.read(file)
        let sealed = state.party(.provider, "state/\(DemonstrationModel.sealedName)")
        if let bundle = try await provider.key(DemonstrationModel.keyName),
            let kid = bundle["key"]?["kid"]?.string, SealedModel.isCurrent(sealed, of: plaintext, key: kid)
        {
            try await add(model, to: DemonstrationModel.keyName, bundle, provider)
        } else {
            try await sealModel(plaintext, to: sealed)
        }
    }

    /// The provider makes the key itself, gives it to its key service, and encrypts the model under it.
    private func sealModel(_ plaintext: [UInt8], to path: String) async throws(CommandFailure) {
        let material = Randomness.system.bytes(32)
        let bundle = try await provider.importKey(DemonstrationModel.keyName, material: material, policy: model)
        guard let kid = bundle["key"]?["kid"]?.string else {
            throw CommandFailure("the key service does not name the imported key")
        }
        try Files.write(try SealedModel.seal(plaintext, key: kid, material: material), to: path)
    }

    /// After the units have started: only what runs gets the keys.
    func removeFormerMeasurements() async throws(CommandFailure) {
        for (name, policy, service) in [
            (KeyProvisioning.recordKey, records, hospital), (DemonstrationModel.keyName, model, provider),
        ] {
            guard let bundle = try await service.key(name) else { continue }
            let existing = KeyServiceClient.releasePolicy(of: bundle)?["anyOf"]?.array ?? []
            if Set(existing) != Set(policy["anyOf"]?.array ?? []) { try await service.setReleasePolicy(name, policy) }
        }
    }

    private func add(
        _ policy: JSON, to name: String, _ bundle: JSON, _ service: KeyServiceClient
    ) async throws(CommandFailure) {
        let existing = KeyServiceClient.releasePolicy(of: bundle)?["anyOf"]?.array ?? []
        let wanted = policy["anyOf"]?.array ?? []
        let missing = wanted.filter { !existing.contains($0) }
        guard !missing.isEmpty else { return }
        try await service.setReleasePolicy(name, ["version": "1.0.0", "anyOf": .array(existing + missing)])
    }
}
