import ServiceKit

/// What differs between the instances of one process.
package struct InstanceConfiguration: Sendable {
    /// Name of what is the instance's in state and audit log: letters, digits and hyphens.
    package var name: String
    /// The issuer string of tokens: `https`, without a trailing slash.
    package var issuer: String
    package var trustModel: TrustModel
    /// PEM file with the certificates that first sign an isolated instance's policies.
    package var policySigners: String?
    package var port: Int
    /// Gets the bound port as one line once the instance listens.
    package var readyFile: String?

    package init(
        name: String = "default", issuer: String, trustModel: TrustModel = .aad, policySigners: String? = nil,
        port: Int = 0, readyFile: String? = nil
    ) {
        self.name = name
        self.issuer = issuer
        self.trustModel = trustModel
        self.policySigners = policySigners
        self.port = port
        self.readyFile = readyFile
    }

    /// The instance that the file's own members describe.
    init(_ configuration: inout Configuration, listen: Listen) throws(ConfigurationError) {
        self.init(
            name: try configuration.string("name", default: "default"), issuer: try configuration.string("issuer"),
            trustModel: try Self.trustModel(try configuration.string("trustModel", default: "AAD")),
            policySigners: try configuration.optionalPath("policySigners"), port: listen.port,
            readyFile: listen.readyFile)
        try check()
    }

    /// One of the list `instances`.
    init(_ members: [String: String], _ configuration: Configuration) throws(ConfigurationError) {
        let known: Set<String> = ["name", "issuer", "trustModel", "policySigners", "port", "ready"]
        if let unknown = members.keys.sorted().first(where: { !known.contains($0) }) {
            throw ConfigurationError("unknown key instances.\(unknown)")
        }
        guard let name = members["name"], let issuer = members["issuer"] else {
            throw ConfigurationError("every one of instances needs a name and an issuer")
        }
        guard let port = Int(members["port"] ?? "0") else {
            throw ConfigurationError("instances.port must be a whole number")
        }
        self.init(
            name: name, issuer: issuer, trustModel: try Self.trustModel(members["trustModel"] ?? "AAD"),
            policySigners: members["policySigners"].map(configuration.resolve), port: port,
            readyFile: members["ready"].map(configuration.resolve))
        try check()
    }

    private static func trustModel(_ name: String) throws(ConfigurationError) -> TrustModel {
        guard let model = TrustModel(name: name) else {
            throw ConfigurationError("trustModel is AAD, Isolated or Shared")
        }
        return model
    }

    private func check() throws(ConfigurationError) {
        guard issuer.hasPrefix("https://"), issuer.utf8.count > 8, !issuer.hasSuffix("/"),
            issuer.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw ConfigurationError("issuer must be an https URL without a trailing slash") }
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isPlain, (1...64).contains(name.utf8.count) else {
            throw ConfigurationError("the name of an instance has 1 to 64 letters, digits and hyphens")
        }
        guard policySigners == nil || trustModel == .isolated else {
            throw ConfigurationError("policySigners is for isolated instances only")
        }
    }
}
