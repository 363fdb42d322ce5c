/// Which services are asked for collateral, by their base URLs without a trailing slash.
package struct CollateralServices: Hashable, Sendable {
    /// Intel's PCS, a PCCS, or Azure's THIM: all have the same paths. Nil asks nobody.
    package var intel: String?
    /// Where Intel's root revocation list is: Intel's own service does not have it, the others do (nil).
    package var intelRootList: String?
    package var update: CollateralRequest.TCBUpdate = .standard
    /// AMD's key distribution service.
    package var amd: String?
    /// Whether Azure's host is asked first for the VCEK of the machine that this runs on.
    package var asksAzureInstance = false

    /// Nobody.
    package init() {}

    /// The vendors themselves.
    package static let vendors: CollateralServices = {
        var services = CollateralServices()
        services.intel = "https://api.trustedservices.intel.com"
        services.intelRootList = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
        services.amd = "https://kdsintf.amd.com"
        return services
    }()

    /// Azure's caches, and AMD for what those do not have.
    package static let azure: CollateralServices = {
        var services = vendors
        services.intel = "https://global.acccache.azure.net"
        services.intelRootList = nil
        services.asksAzureInstance = true
        return services
    }()

    /// Azure's instance metadata for the VCEK of this machine.
    static let azureInstance = "http://169.254.169.254/metadata/THIM/amd/certification"

    /// One way to ask for an item.
    struct Route: Hashable {
        /// Scheme and host: what back-off is for.
        let service: String
        let url: String
        /// Whether the answer brings the certificates that prove it.
        let bringsIssuers: Bool

        init(_ url: String, bringsIssuers: Bool) {
            service = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3)
                .joined(separator: "/")
            self.url = url
            self.bringsIssuers = bringsIssuers
        }
    }

    /// The ways to ask, in the order in which they are tried.
    func routes(_ request: CollateralRequest) -> [Route] {
        switch request {
        case .tcbInfo, .qeIdentity, .pckRevocationList:
            return intel.map { [Route("\($0)/\(request.path)", bringsIssuers: true)] } ?? []
        case .rootRevocationList:
            guard let url = intelRootList ?? intel.map({ "\($0)/\(request.path)" }) else { return [] }
            return [Route(url, bringsIssuers: false)]
        case .endorsement:
            var routes: [Route] = []
            if asksAzureInstance { routes.append(Route(Self.azureInstance, bringsIssuers: true)) }
            if let amd { routes.append(Route("\(amd)/\(request.path)", bringsIssuers: false)) }
            return routes
        case .endorsementIssuers:
            return amd.map { [Route("\($0)/\(request.path)", bringsIssuers: true)] } ?? []
        case .endorsementRevocationList:
            return amd.map { [Route("\($0)/\(request.path)", bringsIssuers: false)] } ?? []
        }
    }
}
