package import Encoding
import KeyRelease

/// Resources of the KBS protocol, each a key that a vault releases to this group.
package struct ResourceShelf: Sendable {
    private let releaser: KeyReleaser
    private let attestation: ServiceEndpoint
    private let vault: ServiceEndpoint
    private let accessToken: String?

    /// - Parameters:
    ///   - json: `{"attestation","vault","access_token"?}`, names of services as in release requests.
    /// - Throws: `insecure-configuration`.
    package init(_ json: JSON, releaser: KeyReleaser) throws(Refusal) {
        var members = try ObjectReader(json, "the resource configuration", refusing: .insecureConfiguration)
        attestation = try ServiceEndpoint(try members.string("attestation"))
        vault = try ServiceEndpoint(try members.string("vault"))
        accessToken = members.has("access_token") ? try members.string("access_token") : nil
        try members.finish()
        self.releaser = releaser
    }

    var attestationService: String { attestation.url }

    /// The bytes of a symmetric key, or PKCS#8 of a private one.
    ///
    /// - Throws: `not-found` for a path that names no key, and as a release.
    func resource(_ path: [String]) async throws(Refusal) -> Secret {
        guard let key = Self.keyName(path) else {
            throw Refusal(.notFound, "a resource is named by repository, type and tag of letters, digits and hyphens")
        }
        return try await releaser.answer(
            KeyReleaser.Wish(attestation: attestation, vault: vault, key: key, accessToken: accessToken)
        ).material
    }

    /// `repository--type--tag`; nil where that would not be the one way to read it back (AC-072).
    static func keyName(_ path: [String]) -> String? {
        guard path.count == 3 else { return nil }
        for part in path {
            guard ServiceEndpoint.isKeyName(part), !part.contains("/"), !part.contains("--"), !part.hasPrefix("-"),
                !part.hasSuffix("-")
            else { return nil }
        }
        let name = path.joined(separator: "--")
        return ServiceEndpoint.isKeyName(name) ? name : nil
    }
}
