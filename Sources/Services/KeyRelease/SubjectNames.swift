import Evidence
import SwiftASN1

/// The hosts that a certificate is for: the DNS names and IPv4 addresses of its subject alternative names.
///
/// - Source: RFC 5280 section 4.2.1.6; names are compared as RFC 9525 section 6.3 says. The common name says nothing.
struct SubjectNames: Sendable {
    private var names: [String] = []
    private var addresses: [[UInt8]] = []

    private static let extensionID: OID = "2.5.29.17"
    private static let nameTag = ASN1Identifier(tagWithNumber: 2, tagClass: .contextSpecific)
    private static let addressTag = ASN1Identifier(tagWithNumber: 7, tagClass: .contextSpecific)

    init(_ certificate: Certificate) {
        guard let value = certificate.extensionValue(SubjectNames.extensionID),
            let root = try? DER.parse(value), case .constructed(let members) = root.content
        else { return }
        for member in members {
            guard case .primitive(let content) = member.content else { continue }
            if member.identifier == SubjectNames.nameTag {
                names.append(String(decoding: content, as: UTF8.self).lowercased())
            } else if member.identifier == SubjectNames.addressTag {
                addresses.append(Array(content))
            }
        }
    }

    /// Whether the certificate is for `host`; a wildcard stands for exactly one whole leftmost label.
    func contains(host: String) -> Bool {
        let host = host.lowercased()
        let octets = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        if octets.count == 4, !octets.contains(nil) { return addresses.contains(octets.compactMap { $0 }) }
        if names.contains(host) { return true }
        guard let dot = host.firstIndex(of: "."), dot != host.startIndex else { return false }
        let parent = host[dot...]
        // `*.test` would be for a whole top-level domain.
        return parent.dropFirst().contains(".") && names.contains("*" + parent)
    }
}
