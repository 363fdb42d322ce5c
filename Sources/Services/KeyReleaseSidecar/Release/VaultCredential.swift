package import Attester
import Encoding
import HTTPTypes
package import KeyRelease
import ServiceKit

/// The bearer token for a vault, where the caller brings none: of a workload identity if the environment names one,
/// else of the machine's managed identity.
///
/// - Source: sidecars page section 6, step 3.
package struct VaultCredential: Sendable {
    private let web: any WebClient
    private let pause: any Pause
    private let environment: [String: String]
    private let clientID: String?
    private let files: AttestationFiles

    /// Where every Azure machine gets tokens of its identities.
    private static let managedIdentity = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
    /// Seconds to wait after the first and the second try.
    private static let pauses: [Int64] = [1, 4]

    /// - Parameter clientID: which of several managed identities; nil for the only one.
    package init(
        web: any WebClient, environment: [String: String], clientID: String?, files: AttestationFiles = .system,
        pause: any Pause = SystemPause()
    ) {
        self.web = web
        self.pause = pause
        self.environment = environment
        self.clientID = clientID
        self.files = files
    }

    /// A token for the vault or managed HSM at `host`.
    ///
    /// - Throws: `unavailable`.
    func token(for host: String) async throws(Refusal) -> String {
        let resource = host.contains("managedhsm") ? "https://managedhsm.azure.net" : "https://vault.azure.net"
        if let client = environment["AZURE_CLIENT_ID"], let tenant = environment["AZURE_TENANT_ID"],
            let file = environment["AZURE_FEDERATED_TOKEN_FILE"]
        {
            return try await workloadToken(client: client, tenant: tenant, file: file, resource: resource)
        }
        return try await managedToken(resource: resource)
    }

    private func workloadToken(
        client: String, tenant: String, file: String, resource: String
    ) async throws(Refusal) -> String {
        guard let assertion = try? files.read(file) else {
            throw Refusal(.unavailable, "the federated token of the workload identity cannot be read")
        }
        let form = [
            ("client_id", client), ("scope", resource + "/.default"), ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", String(decoding: assertion, as: UTF8.self).filter { !$0.isWhitespace }),
        ].map { "\($0)=\(Self.percentEncoded($1))" }.joined(separator: "&")
        let answer = try await web.send(
            .post, "https://login.microsoftonline.com/\(Self.percentEncoded(tenant))/oauth2/v2.0/token",
            headers: [.contentType: "application/x-www-form-urlencoded"], body: Array(form.utf8),
            maximumBytes: 1 << 20, timeout: .seconds(7))
        return try Self.token(answer)
    }

    private func managedToken(resource: String) async throws(Refusal) -> String {
        var url = Self.managedIdentity + "&resource=" + Self.percentEncoded(resource)
        if let clientID { url += "&client_id=" + Self.percentEncoded(clientID) }
        var attempt = 0
        while true {
            do throws(Refusal) {
                let answer = try await web.send(
                    .get, url, headers: [.metadata: "true"], body: nil, maximumBytes: 1 << 20, timeout: .seconds(7))
                return try Self.token(answer)
            } catch {
                guard attempt < Self.pauses.count else { throw error }
                await pause.wait(.seconds(Self.pauses[attempt]))
                attempt += 1
            }
        }
    }

    private static func token(_ answer: Client.Response) throws(Refusal) -> String {
        guard answer.status == 200, let token = (try? JSON.parse(answer.body))?["access_token"]?.string,
            !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw Refusal(.unavailable, "no token for the vault: http response status equal to \(answer.status)") }
        return token
    }

    /// What a token says about whom it is for, as it stands in a user agent; nil where it says nothing.
    static func owner(of token: String) -> String? {
        let parts = token.split(separator: ".")
        guard parts.count == 3, let claims = Base64.decode(parts[1], .lenient).flatMap({ try? JSON.parse($0) }) else {
            return nil
        }
        let path = claims["xms_az_rid"]?.string?.split(separator: "/") ?? []
        if path.count > 1, path[0].lowercased() == "subscriptions" { return "subscription_id=\(path[1].prefix(64))" }
        return claims["appid"]?.string.map { "client_id=\($0.prefix(64))" }
    }

    /// Everything but the unreserved characters of RFC 3986 as `%XX`.
    static func percentEncoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%" + Hex.encode([byte]).uppercased()
            }
        }
        return result
    }
}
