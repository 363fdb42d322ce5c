package import Collateral
package import Encoding
import HTTPTypes

/// The vendors' services over HTTPS, and Azure's instance metadata over the one address that has no TLS.
package struct VendorTransport: CollateralTransport {
    private let client: Client

    /// Longest time for one answer.
    private static let timeout = Duration.seconds(15)
    /// Azure's host, a link-local address: it is reached without a network, and without TLS.
    private static let instanceMetadata = "http://169.254.169.254/"

    /// - Parameter authorities: PEM file of the certificate authorities to accept, as a PCCS of one's own needs it; nil
    ///   for the system's.
    /// - Throws: when the file cannot be read.
    package init(authorities: String? = nil) throws {
        client = try Client(authorities: authorities, allowsTLS12: true)
    }

    package func get(_ url: String) async throws(Refusal) -> CollateralResponse {
        let isInstanceMetadata = url.hasPrefix(Self.instanceMetadata)
        guard url.hasPrefix("https://") || isInstanceMetadata else {
            throw Refusal(.insecureConfiguration, "collateral is fetched over https only")
        }
        var headers = HTTPFields()
        if isInstanceMetadata, let name = HTTPField.Name("Metadata") { headers[name] = "true" }
        let response = try await client.send(
            .get, url, headers: headers, maximumBytes: CollateralResponse.maximumBytes, timeout: Self.timeout)
        var fields: [String: String] = [:]
        for field in response.headers { fields[field.name.canonicalName] = field.value }
        return CollateralResponse(status: response.status, headers: fields, body: response.body)
    }

    /// Closes all connections; the transport cannot be used afterwards.
    package func shutdown() async { await client.shutdown() }
}
