public import Encoding

/// The public roots of one simulated TEE: what has to be named before its evidence is accepted anywhere.
///
/// - Source: formats section 11.
public struct SimulatedRoot: Hashable, Sendable {
    /// How the common name of every simulated root begins, so that verifiers that do not trust it can say what it is.
    public static let commonNamePrefix = "Cloister simulated"

    public let sgxRoot: Certificate
    public let arks: [SNPProduct: Certificate]
    /// Of Nitro documents; nil in the files of older simulators.
    public let nitroRoot: Certificate?
    /// Of virtual TPMs; nil in the files of older simulators.
    public let vtpmRoot: Certificate?

    /// - Throws: `insecure-configuration` unless each root is self-signed and marked as simulated by its common name.
    public init(
        sgxRoot: Certificate, arks: [SNPProduct: Certificate], nitroRoot: Certificate? = nil,
        vtpmRoot: Certificate? = nil
    ) throws(Refusal) {
        for root in [sgxRoot] + arks.values + [nitroRoot, vtpmRoot].compactMap(\.self) {
            guard root.isMarkedSimulated, root.isSigned(by: root), root.isCertificateAuthority else {
                throw Refusal(
                    .insecureConfiguration,
                    "a simulated root must be self-signed, with a common name that begins with “\(Self.commonNamePrefix)”"
                )
            }
        }
        self.sgxRoot = sgxRoot
        self.arks = arks
        self.nitroRoot = nitroRoot
        self.vtpmRoot = vtpmRoot
    }

    /// Reads a root file.
    ///
    /// - Throws: `insecure-configuration` for anything that the format does not say.
    public init(json bytes: [UInt8]) throws(Refusal) {
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(.insecureConfiguration, "simulated root file: \(error)")
        }
        var reader = try ObjectReader(json, "simulated root file", refusing: .insecureConfiguration)
        try reader.format("cloister-simulated-root/1")
        let sgxRoot = try SimulatedRoot.root(try reader.string("sgxRoot"))
        var members = try ObjectReader(
            try reader.value("arks"), "simulated root file: arks", refusing: .insecureConfiguration)
        var arks: [SNPProduct: Certificate] = [:]
        for product in SNPProduct.allCases {
            arks[product] = try SimulatedRoot.root(try members.string(product.rawValue))
        }
        try members.finish()
        let nitroRoot = reader.has("nitroRoot") ? try SimulatedRoot.root(try reader.string("nitroRoot")) : nil
        let vtpmRoot = reader.has("vtpmRoot") ? try SimulatedRoot.root(try reader.string("vtpmRoot")) : nil
        try reader.finish()
        try self.init(sgxRoot: sgxRoot, arks: arks, nitroRoot: nitroRoot, vtpmRoot: vtpmRoot)
    }

    private static func root(_ pem: String) throws(Refusal) -> Certificate {
        let certificates = try Certificate.chain(pem: pem, refusing: .insecureConfiguration)
        guard certificates.count == 1 else {
            throw Refusal(.insecureConfiguration, "simulated root file: each root is one certificate")
        }
        return certificates[0]
    }

    /// The root file's JSON.
    public var json: JSON {
        func pem(_ certificate: Certificate) -> JSON { .string(PEM.encode(certificate.der, label: "CERTIFICATE")) }
        var arkMembers: [String: JSON] = [:]
        for (product, ark) in arks { arkMembers[product.rawValue] = pem(ark) }
        var members: [String: JSON] = [
            "format": "cloister-simulated-root/1", "sgxRoot": pem(sgxRoot), "arks": .object(arkMembers),
        ]
        if let nitroRoot { members["nitroRoot"] = pem(nitroRoot) }
        if let vtpmRoot { members["vtpmRoot"] = pem(vtpmRoot) }
        return .object(members)
    }
}

extension Certificate {
    /// Whether the certificate calls itself the root of a simulated TEE.
    var isMarkedSimulated: Bool { subjectCommonName.hasPrefix(SimulatedRoot.commonNamePrefix) }
}
