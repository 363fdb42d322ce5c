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
    /// Root file of a simulated TEE; nil in production.
    package var insecureSimulatedRoot: String?
    /// Web origins whose pages may call.
    package var allowedOrigins: [String]

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
        insecureSimulatedRoot = try configuration.optionalPath("insecureSimulatedRoot")
        allowedOrigins = try configuration.strings("allowedOrigins")
        try configuration.finish()
        guard issuer.hasPrefix("https://"), issuer.utf8.count > 8, !issuer.hasSuffix("/"),
            issuer.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw ConfigurationError("issuer must be an https URL without a trailing slash") }
        guard insecureSimulatedRoot == nil || isInsecureAllowed else {
            throw ConfigurationError(
                "insecureSimulatedRoot makes this service vouch for evidence that protects nothing; "
                    + "it is refused without the flag --insecure")
        }
    }
}
