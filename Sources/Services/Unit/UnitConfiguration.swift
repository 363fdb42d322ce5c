import AttestationToken
package import Encoding
package import Evidence
package import ServiceKit

/// Where the things of one attested process are. What it trusts comes from the party policy alone (architecture
/// rule 2).
package struct UnitConfiguration: Sendable {
    /// The executable's name: `role` in runtime data and hop statements.
    package var role: String
    /// File of the party policy of whoever runs this unit.
    package var policy: String
    /// File of this unit's own release manifest.
    package var manifest: String
    /// Folder of release manifests (`*.jws`): this unit's peers' and its own.
    package var manifests: String
    /// Folder of release-only bearer tokens, `<host>_<port>.token` for the key service there.
    package var credentials: String
    /// PEM file of the authorities of other services' TLS certificates.
    package var authorities: String
    package var tee: TEE
    /// Socket of the simulated TEE, where there is no real one.
    package var simulator: String?
    /// File that remembers the highest policy sequences seen; nil for a unit without state.
    package var sequences: String?
    /// Origins of portals that browsers may call from.
    package var allowedOrigins: [String]
    /// Life of an identity epoch in seconds (architecture rule 13).
    package var epochSeconds: Int64

    /// Reads the members that every unit has.
    package init(_ configuration: inout Configuration, role: String) throws(ConfigurationError) {
        self.role = role
        policy = try configuration.path("policy")
        manifest = try configuration.path("manifest")
        manifests = try configuration.path("manifests")
        credentials = try configuration.path("credentials")
        authorities = try configuration.path("ca")
        let name = try configuration.string("tee")
        guard let tee = TEE(rawValue: name), tee == .sgx || tee == .snp else {
            throw ConfigurationError("tee must be sgx or snp")
        }
        self.tee = tee
        simulator = try configuration.optionalPath("simulator")
        sequences = try configuration.optionalPath("sequences")
        allowedOrigins = try configuration.strings("allowedOrigins")
        epochSeconds = Int64(try configuration.integer("epochSeconds", default: 1_200))
    }
}

/// Files that a unit reads at start, by what they are.
package enum UnitFiles {
    /// The text of one signed document.
    ///
    /// - Throws: `insecure-configuration` naming what is missing.
    package static func document(_ path: String, _ what: StaticString) throws(Refusal) -> String {
        do {
            let bytes = try AtomicFile.read(path, maximumBytes: PartyPolicy.maximumBytes + 2)
            return String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        } catch {
            throw Refusal(.insecureConfiguration, "the \(what) cannot be read (\(error))")
        }
    }

    /// The texts of every `*.jws` in a folder, by name.
    package static func documents(in folder: String) throws(Refusal) -> [String] {
        var documents: [String] = []
        for name in FolderListing.names(in: folder) where name.hasSuffix(".jws") {
            documents.append(try document(folder + "/" + name, "signed document"))
        }
        return documents
    }
}
