package import Collateral
package import ServiceKit

/// A PostgreSQL database that several nodes of one service share.
package struct SharedDatabase: Sendable {
    /// libpq's keywords and values, or a `postgresql:` URL; without a password, which belongs in libpq's password file.
    package var connection: String
    /// File of 32 bytes, the same on every node, under which the signing keys are sealed in the database.
    package var keyEncryptionKey: String

    /// Reads the block `database`; nil where there is none.
    init?(_ configuration: inout Configuration) throws(ConfigurationError) {
        guard let connection = try configuration.optionalString("database.connection") else { return nil }
        self.connection = connection
        keyEncryptionKey = try configuration.path("database.keyEncryptionKey")
    }
}

/// Where the things of an attestation service are: one process with one or several instances. The one setting about trust is the insecure simulated root
/// (architecture section 11 rule 2).
package struct AttestationServiceConfiguration: Sendable {
    /// Where the first instance listens; the others share host and certificate.
    package var listen: Listen
    /// At least one; the first is the one that the file's own members describe.
    package var instances: [InstanceConfiguration]
    package var access = AccessConfiguration()
    /// What one client address may ask for in a second, with twice as many at once; 0 for no limit.
    package var requestsPerSecond = 5_000
    /// Where several nodes share policies and signing keys; nil for one node with an SQLite file in `state`.
    package var database: SharedDatabase?
    /// Folder of state database, signing keys and audit log; made with mode 0700.
    package var state: String
    /// Folder of vendor collateral.
    package var collateral: String
    /// Whom to ask for collateral; `collateral` is then the folder of what was fetched. Nil where somebody else keeps the
    /// folder up to date.
    package var collateralServices: CollateralServices?
    /// PEM file of the certificate authorities of those services; nil for the system's.
    package var collateralAuthorities: String?
    /// Root file of a simulated TEE; nil in production.
    package var insecureSimulatedRoot: String?
    /// Web origins whose pages may call.
    package var allowedOrigins: [String]

    package init(
        listen: Listen, issuer: String, state: String, collateral: String, insecureSimulatedRoot: String? = nil,
        allowedOrigins: [String] = []
    ) {
        self.listen = listen
        instances = [InstanceConfiguration(issuer: issuer, port: listen.port, readyFile: listen.readyFile)]
        self.state = state
        self.collateral = collateral
        self.insecureSimulatedRoot = insecureSimulatedRoot
        self.allowedOrigins = allowedOrigins
    }

    /// - Parameter isInsecureAllowed: whether the operator gave the flag without which a simulated root is refused
    ///   (AC-004).
    package init(
        _ configuration: inout Configuration, isInsecureAllowed: Bool
    ) throws(ConfigurationError) {
        listen = try Listen(&configuration)
        instances = [try InstanceConfiguration(&configuration, listen: listen)]
        for members in try configuration.items("instances") {
            instances.append(try InstanceConfiguration(members, configuration))
        }
        access = try AccessConfiguration(&configuration)
        database = try SharedDatabase(&configuration)
        requestsPerSecond = try configuration.integer("requestsPerSecond", default: requestsPerSecond)
        state = try configuration.path("state")
        collateral = try configuration.path("collateral")
        collateralServices = try Self.services(try configuration.optionalString("collateralServices"))
        collateralAuthorities = try configuration.optionalPath("collateralAuthorities")
        insecureSimulatedRoot = try configuration.optionalPath("insecureSimulatedRoot")
        allowedOrigins = try configuration.strings("allowedOrigins")
        try configuration.finish()
        guard Set(instances.map(\.name)).count == instances.count,
            Set(instances.map(\.issuer)).count == instances.count
        else { throw ConfigurationError("two instances have the same name or issuer") }
        guard insecureSimulatedRoot == nil || isInsecureAllowed else {
            throw ConfigurationError(
                "insecureSimulatedRoot makes this service vouch for evidence that protects nothing; "
                    + "it is refused without the flag --insecure")
        }
    }

    /// The folder of an instance's signing keys: the first one's are in `state` itself.
    func folder(of instance: InstanceConfiguration) -> String {
        instance.name == instances.first?.name ? state : "\(state)/\(instance.name)"
    }

    /// `vendors`, `azure`, or the URL of a PCCS, beside which AMD's own service is asked.
    private static func services(_ name: String?) throws(ConfigurationError) -> CollateralServices? {
        switch name {
        case nil: return nil
        case "vendors": return .vendors
        case "azure": return .azure
        case .some(let url):
            guard url.hasPrefix("https://"), url.utf8.count > 8, !url.hasSuffix("/") else {
                throw ConfigurationError(
                    "collateralServices is vendors, azure, or the https URL of a PCCS without a trailing slash")
            }
            var services = CollateralServices.vendors
            services.intel = url
            services.intelRootList = nil
            return services
        }
    }
}
