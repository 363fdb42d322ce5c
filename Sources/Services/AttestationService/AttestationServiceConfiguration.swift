package import Collateral
package import ServiceKit

/// Where the things of an attestation service are. The one setting about trust is the insecure simulated root
/// (architecture section 11 rule 2).
package struct AttestationServiceConfiguration: Sendable {
    package var listen: Listen
    /// The issuer string of tokens: `https`, without a trailing slash.
    package var issuer: String
    /// Folder of signing keys and audit log; made with mode 0700.
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
    /// File of the launches that get the claim `x-ms-compliance-status`; nil for none.
    package var launchAcceptance: String?
    /// `RS256`, `ES256` or `ES384`: what tokens are signed with unless a request asks for another algorithm.
    package var tokenAlgorithm = "RS256"

    package init(
        listen: Listen, issuer: String, state: String, collateral: String, insecureSimulatedRoot: String? = nil,
        allowedOrigins: [String] = []
    ) {
        self.listen = listen
        self.issuer = issuer
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
        issuer = try configuration.string("issuer")
        state = try configuration.path("state")
        collateral = try configuration.path("collateral")
        collateralServices = try Self.services(try configuration.optionalString("collateralServices"))
        collateralAuthorities = try configuration.optionalPath("collateralAuthorities")
        insecureSimulatedRoot = try configuration.optionalPath("insecureSimulatedRoot")
        allowedOrigins = try configuration.strings("allowedOrigins")
        launchAcceptance = try configuration.optionalPath("launchAcceptance")
        tokenAlgorithm = try configuration.optionalString("tokenAlgorithm") ?? "RS256"
        try configuration.finish()
        guard issuer.hasPrefix("https://"), issuer.utf8.count > 8, !issuer.hasSuffix("/"),
            issuer.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw ConfigurationError("issuer must be an https URL without a trailing slash") }
        guard SigningKeyRing.algorithms.contains(tokenAlgorithm) else {
            throw ConfigurationError("tokenAlgorithm is RS256, ES256 or ES384")
        }
        guard insecureSimulatedRoot == nil || isInsecureAllowed else {
            throw ConfigurationError(
                "insecureSimulatedRoot makes this service vouch for evidence that protects nothing; "
                    + "it is refused without the flag --insecure")
        }
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
