package import Encoding

/// How the network is reached; passed in, so that this target has no HTTP client and every answer can be tested.
package protocol CollateralTransport: Sendable {
    /// Sends one GET request and reads the whole answer, whatever its status.
    ///
    /// An implementation bounds the time and the answer (`CollateralResponse.maximumBytes`), follows no redirect, and
    /// speaks TLS; the one exception is Azure's instance metadata at the link-local address 169.254.169.254, to which
    /// it sends the header `Metadata: true`.
    ///
    /// - Throws: a refusal when there is no whole answer in time.
    func get(_ url: String) async throws(Refusal) -> CollateralResponse
}

/// What a service answered.
package struct CollateralResponse: Hashable, Sendable {
    /// Longest body that is read, in bytes; the longest real ones are revocation lists of some 10 KiB.
    package static let maximumBytes = 1 << 20

    package var status: Int
    /// By lower-case name.
    package var headers: [String: String]
    package var body: [UInt8]

    package init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
