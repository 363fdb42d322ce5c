package import Encoding
import Evidence
import HTTPTypes
import KeyRelease
import ServiceKit
import SwiftASN1

/// A service that has the certificates of AMD chips.
///
/// - Source: sidecars page sections 1 and 5.
package enum CertificateEndpoint: Hashable, Sendable {
    /// AMD's key distribution service; `family` is a product.
    case amd(host: String, family: String)
    /// Azure's cache of it.
    case azureCache(host: String, type: String, apiVersion: String, clientID: String)
    /// The host's own service, over plain HTTP on a link-local address.
    case localTHIM(String)

    /// Where every Azure host answers.
    package static let defaultTHIM = "169.254.169.254/metadata/THIM/amd/certification"

    /// Reads the block `certcache` of the configuration; members that are absent or empty get the documented defaults.
    ///
    /// - Throws: `insecure-configuration`.
    package init(_ json: JSON) throws(Refusal) {
        var members = try ObjectReader(json, "certcache", refusing: .insecureConfiguration)
        func text(_ name: String, default fallback: String) throws(Refusal) -> String {
            guard let value = members.optional(name), value != .string("") else { return fallback }
            guard let text = value.string, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw Refusal(.insecureConfiguration, "certcache: member \(name) is not a plain string")
            }
            return text
        }
        let kind = try text("endpoint_type", default: "AzCache")
        switch kind {
        case "AMD":
            self = .amd(
                host: try text("endpoint", default: "kdsintf.amd.com/vcek/v1"),
                family: try text("tee_type", default: "Milan"))
        case "AzCache":
            self = .azureCache(
                host: try text("endpoint", default: "global.acccache.azure.net"),
                type: try text("tee_type", default: "SevSnpVM"),
                apiVersion: try text("api_version", default: "api-version=2020-10-15-preview"),
                clientID: try text("client_id", default: "clientId=ConfidentialACI"))
        case "LocalTHIM": self = .localTHIM(try text("endpoint", default: Self.defaultTHIM))
        default:
            throw Refusal(.insecureConfiguration, "certcache: endpoint_type is none of AMD, AzCache and LocalTHIM")
        }
        // What another kind of endpoint would use is of no use here, and no error.
        for name in ["endpoint", "tee_type", "api_version", "client_id"] { _ = members.optional(name) }
        try members.finish()
    }

    /// The certificates of one chip at one TCB.
    ///
    /// - Throws: `collateral-invalid`; `unavailable` when nobody answers.
    func certificates(
        chip: ArraySlice<UInt8>, tcb: UInt64, by fetcher: RetryingFetcher
    ) async throws(Refusal) -> HostCertificates {
        let chip = Hex.encode(chip)
        switch self {
        case .amd(let host, let family):
            func part(_ index: Int) -> String { String(tcb >> (8 * UInt64(index)) & 0xff) }
            let query = "ucodeSPL=\(part(7))&snpSPL=\(part(6))&teeSPL=\(part(1))&blSPL=\(part(0))"
            let der = try await fetcher.get("https://\(host)/\(family)/\(chip)?\(query)")
            let chain = try await fetcher.get("https://\(host)/\(family)/cert_chain")
            return HostCertificates(
                vcek: PEM.encode(der, label: "CERTIFICATE"), chain: String(decoding: chain, as: UTF8.self), tcb: tcb)
        case .azureCache(let host, let type, let apiVersion, let clientID):
            let query = clientID.isEmpty ? apiVersion : "\(apiVersion)&\(clientID)"
            let pem = try await fetcher.get(
                "https://\(host)/\(type)/certificates/\(chip)/\(String(tcb, radix: 16))?\(query)")
            return try HostCertificates(chain: String(decoding: pem, as: UTF8.self))
        case .localTHIM(let host):
            return try HostCertificates(
                thim: try await fetcher.get("http://\(host)", headers: [.metadata: "true"]))
        }
    }
}

extension HTTPField.Name {
    /// What Azure's instance metadata wants to see.
    static let metadata = HTTPField.Name.known("Metadata")
}

extension HostCertificates {
    /// VCEK, ASK and ARK in one PEM text; the TCB is read from the first.
    ///
    /// - Throws: `collateral-invalid`.
    fileprivate init(chain pem: String) throws(Refusal) {
        let blocks = PEM.decode(pem, label: "CERTIFICATE") ?? []
        guard blocks.count == 3, let vcek = try? Certificate(der: blocks[0], refusing: .collateralInvalid) else {
            throw Refusal(.collateralInvalid, "the certificate cache did not answer with VCEK, ASK and ARK in PEM")
        }
        // From the least significant byte on: boot loader, TEE, four that are reserved, SNP, microcode.
        var tcb: UInt64 = 0
        for (index, component) in [1, 2, 4, 5, 6, 7, 3, 8].enumerated() {
            let id = OID(stringLiteral: "1.3.6.1.4.1.3704.1.3.\(component)")
            guard let value = vcek.extensionValue(id),
                let node = try? DER.parse(value), let number = try? UInt8(derEncoded: node)
            else { throw Refusal(.collateralInvalid, "the VCEK of the certificate cache names no TCB") }
            tcb |= UInt64(number) << (8 * UInt64(index))
        }
        self.init(
            vcek: PEM.encode(blocks[0], label: "CERTIFICATE"),
            chain: blocks[1...].map { PEM.encode($0, label: "CERTIFICATE") }.joined(), tcb: tcb)
    }
}
