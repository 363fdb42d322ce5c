package import Encoding

/// The configuration of the documented option `-base64`: everything optional.
///
/// - Source: sidecars page section 1.
package struct SidecarConfiguration: Sendable {
    package var certificates: CertificateEndpoint
    /// Which of several managed identities; nil for the only one.
    package var identity: String?
    package var userAgent: String?
    /// Our own member `resources`, for the face of Confidential Containers; null where it is not served.
    package var resources = JSON.null

    /// Longest configuration that is read, in bytes.
    private static let maximumBytes = 65_536

    /// Nothing configured.
    package init() {
        certificates = .localTHIM(CertificateEndpoint.defaultTHIM)
    }

    /// - Parameter base64: base64 of the JSON; empty for nothing.
    /// - Throws: `insecure-configuration` naming what is wrong; unknown members are.
    package init(base64: String) throws(Refusal) {
        self.init()
        guard !base64.isEmpty else { return }
        guard base64.utf8.count <= Self.maximumBytes, let bytes = Base64.decode(base64, .lenient) else {
            throw Refusal(.insecureConfiguration, "the configuration is not base64")
        }
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(.insecureConfiguration, "the configuration is not JSON: \(error)")
        }
        var members = try ObjectReader(json, "the configuration", refusing: .insecureConfiguration)
        if let block = members.optional("certcache") { certificates = try CertificateEndpoint(block) }
        identity = try Self.text("client_id", in: members.optional("identity"), "identity")
        userAgent = try Self.text("user_agent", in: members.optional("maaconfig"), "maaconfig")
        resources = members.optional("resources") ?? .null
        try members.finish()
    }

    /// The only member of a block; nil where block or member are absent or empty.
    private static func text(_ name: String, in block: JSON?, _ what: String) throws(Refusal) -> String? {
        guard let block else { return nil }
        var members = try ObjectReader(block, what, refusing: .insecureConfiguration)
        let value = members.optional(name)
        try members.finish()
        guard let value, value != .string("") else { return nil }
        guard let text = value.string, text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw Refusal(.insecureConfiguration, "\(what): member \(name) is not a plain string")
        }
        return text
    }
}
