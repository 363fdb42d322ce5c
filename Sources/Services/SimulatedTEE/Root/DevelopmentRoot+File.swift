import Crypto
import CryptoExtras
package import Encoding
import Evidence

/// The file that keeps a development root between starts: one JSON object with private keys, mode 0600.
extension DevelopmentRoot {
    private static let format = "cloister-development-root/1"
    private static let name = "development-root.json"

    /// Reads the root kept in `folder`, or makes one and keeps it there.
    ///
    /// - Throws: `insecure-configuration` when the file is there but is not a root, or cannot be written.
    package static func keptIn(
        _ folder: String, at time: Timestamp, keys: RSAKeys = .vendor, randomness: Randomness = .system
    ) throws(Refusal) -> DevelopmentRoot {
        try PrivateFiles.makeFolder(folder)
        let path = folder + "/" + name
        if let content = try PrivateFiles.read(path) {
            let json: JSON
            do throws(JSON.ParseError) {
                json = try JSON.parse(content)
            } catch {
                throw Refusal(.insecureConfiguration, "the development root is not JSON: \(error)")
            }
            return try DevelopmentRoot(json: json)
        }
        let root: DevelopmentRoot
        do {
            root = try make(at: time, keys: keys, randomness: randomness)
        } catch {
            throw Refusal(.notReady, "the crypto library made no development root")
        }
        try PrivateFiles.write(root.json.canonical, to: path, mode: 0o600)
        return root
    }

    private var json: JSON {
        var arkMembers: [String: JSON] = [:]
        for (product, holder) in arks { arkMembers[product.rawValue] = holder.json }
        return .object([
            "format": .string(Self.format), "sgxRoot": sgxRoot.json, "processorAuthority": processorAuthority.json,
            "tcbSigning": tcbSigning.json, "pck": pck.json,
            "arks": .object(arkMembers), "ask": ask.json, "vcek": .string(Base64.encodeURL(vcek.derRepresentation)),
            "vcekCertificate": .string(Base64.encodeURL(vcekCertificate)), "chipID": .string(Base64.encodeURL(chipID)),
        ])
    }

    private init(json: JSON) throws(Refusal) {
        var reader = try ObjectReader(json, "the development root", refusing: .insecureConfiguration)
        try reader.format(Self.format)
        func ecdsa(_ name: String) throws(Refusal) -> Holder {
            try Holder(json: try reader.value(name), name) { .p256(try P256.Signing.PrivateKey(derRepresentation: $0)) }
        }
        func rsa(_ json: JSON, _ name: String) throws(Refusal) -> Holder {
            try Holder(json: json, name) { .rsa(try _RSA.Signing.PrivateKey(derRepresentation: $0)) }
        }
        sgxRoot = try ecdsa("sgxRoot")
        processorAuthority = try ecdsa("processorAuthority")
        tcbSigning = try ecdsa("tcbSigning")
        pck = try ecdsa("pck")
        var arkReader = try ObjectReader(
            try reader.value("arks"), "arks of the development root", refusing: .insecureConfiguration)
        var arks: [SNPProduct: Holder] = [:]
        for product in SNPProduct.allCases {
            arks[product] = try rsa(try arkReader.value(product.rawValue), product.rawValue)
        }
        try arkReader.finish()
        self.arks = arks
        ask = try rsa(try reader.value("ask"), "ask")
        let vcekBytes = try reader.bytes("vcek")
        guard let vcek = try? P384.Signing.PrivateKey(derRepresentation: vcekBytes) else {
            throw Refusal(.insecureConfiguration, "the development root's chip key cannot be read")
        }
        self.vcek = vcek
        vcekCertificate = try reader.bytes("vcekCertificate")
        chipID = try reader.bytes("chipID")
        try reader.finish()
    }
}

extension DevelopmentRoot.Holder {
    fileprivate var json: JSON {
        .object([
            "key": .string(Base64.encodeURL(key.privateDER)), "certificate": .string(Base64.encodeURL(certificate)),
        ])
    }

    fileprivate init(
        json: JSON, _ name: String, _ read: ([UInt8]) throws -> AuthorityKey
    ) throws(Refusal) {
        var reader = try ObjectReader(json, "\(name) of the development root", refusing: .insecureConfiguration)
        let bytes = try reader.bytes("key")
        guard let key = try? read(bytes) else {
            throw Refusal(.insecureConfiguration, "\(name) of the development root cannot be read")
        }
        self.key = key
        certificate = try reader.bytes("certificate")
        try reader.finish()
    }
}
