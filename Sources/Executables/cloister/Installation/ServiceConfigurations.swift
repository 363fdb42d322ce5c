import Encoding

/// The YAML file of every service. Paths in them are relative to the file, so that a folder shows what it uses.
struct ServiceConfigurations {
    let state: StateFolder
    let ports: Ports
    let parties: [Party: PartyKeys]
    let resources: Resources

    /// Writes all files; those that did not change keep their times.
    func write() throws(CommandFailure) {
        for service in Service.servers {
            guard let path = service.configuration(in: state), let members = try members(of: service) else { continue }
            let text = YAML.document("Written by `cloister up`; changes are overwritten.", members)
            try Files.update(text.utf8, to: path)
        }
    }

    /// Nil for services without a file.
    private func members(of service: Service) throws(CommandFailure) -> [(String, YAML.Node)]? {
        switch service {
        case .simulatedTEE, .portal: nil
        case .attestation: attestation
        case .keys:
            keyService(.keys, administrator: "../../admin-token", protected: KeyProvisioning.recordKey)
                + [
                    ("authorities", .items(try TrustedAuthorities(state).items())),
                    ("domainHolders", .texts(try DomainHolders(state).pins())),
                ]
        case .providerKeys:
            keyService(
                .providerKeys, administrator: "../keys/administrator-token", protected: DemonstrationModel.keyName)
        case .diagnostics: try diagnostics
        case .platform: platform
        }
    }

    private func listen(_ service: Service) -> [(String, YAML.Node)] {
        [
            (
                "listen",
                .members([
                    ("host", .text("127.0.0.1")), ("port", .number(ports[service.rawValue])),
                    ("certificate", .text("../keys/\(service.fileName).tls.pem")),
                    ("key", .text("../keys/\(service.fileName).tls-key.pem")),
                ])
            ), ("ready", .text("../../run/\(service.rawValue).ready")),
        ]
    }

    private var attestation: [(String, YAML.Node)] {
        listen(.attestation) + [
            ("name", .text(Service.attestation.rawValue)),
            ("issuer", .text(ports.url(Service.attestation.rawValue))),
            ("trustModel", .text("AAD")),
            (
                "instances",
                .items([
                    [
                        ("name", .text(Service.isolatedAttestation)),
                        ("issuer", .text(ports.url(Service.isolatedAttestation))),
                        ("trustModel", .text("Isolated")),
                        ("policySigners", .text("../../attestation-isolated-cert.pem")),
                        ("port", .number(ports[Service.isolatedAttestation])),
                        ("ready", .text("../../run/\(Service.isolatedAttestation).ready")),
                    ]
                ])
            ),
            ("access", .members([("contributorToken", .text("../../admin-token"))])),
            ("state", .text("../state/attestation-service")),
            ("collateral", .text("../../simulated/collateral")),
            ("insecureSimulatedRoot", .text("../../simulated-root.json")),
            ("allowedOrigins", .texts([ports.url(Service.portal.rawValue)])),
        ]
    }

    /// - Parameter protected: the key that nobody can purge (architecture section 11 rule 8).
    private func keyService(
        _ service: Service, administrator: String, protected key: String
    ) -> [(String, YAML.Node)] {
        let party = service.party.flatMap { parties[$0] }
        return listen(service) + [
            ("host", .text(ports.url(service.rawValue))),
            ("party", .text(party?.id.description ?? "")),
            ("policy", .text("../policy.jws")),
            ("ca", .text("../../ca.pem")),
            ("state", .text("../state/key-service")),
            ("administratorToken", .text(administrator)),
            ("releaseToken", .text("../keys/release-token")),
            ("purgeProtection", .texts([key])),
        ]
    }

    /// What every unit has.
    private func unit(_ service: Service, tee: String) -> [(String, YAML.Node)] {
        listen(service) + [
            ("policy", .text("../policy.jws")),
            ("manifest", .text("manifests/\(service.executable).jws")),
            ("manifests", .text("manifests")),
            ("credentials", .text("credentials")),
            ("ca", .text("../../ca.pem")),
            ("tee", .text(tee)),
            ("simulator", .text("../../run/simulated-tee")),
        ]
    }

    private var diagnostics: [(String, YAML.Node)] {
        get throws(CommandFailure) {
            unit(.diagnostics, tee: "sgx") + [
                (
                    "models",
                    .items([
                        [
                            ("name", .text(DemonstrationModel.name)), ("version", .text(DemonstrationModel.version)),
                            ("file", .text("../state/\(DemonstrationModel.sealedName)")),
                            ("key", .text(DemonstrationModel.keyName)),
                        ]
                    ])
                ), ("onnxRuntime", .text(try resources.requireRuntime())),
            ]
        }
    }

    private var platform: [(String, YAML.Node)] {
        unit(.platform, tee: "snp") + [
            ("tenants", .text("tenants")),
            ("state", .text("../state")),
            ("diagnostics", .text(ports.url(Service.diagnostics.rawValue))),
            ("recordKey", .text(KeyProvisioning.recordKey)),
            ("allowedOrigins", .texts([ports.url(Service.portal.rawValue)])),
        ]
    }
}
