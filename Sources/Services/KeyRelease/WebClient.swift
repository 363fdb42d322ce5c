package import Encoding
package import HTTPTypes
package import ServiceKit

/// HTTP to other services, so that tests can stand in for them.
package protocol WebClient: Sendable {
    /// Sends one request and reads the whole answer, whatever its status.
    ///
    /// - Throws: `unavailable` when there is no answer in time, `too-large` when it is over `maximumBytes`.
    func send(
        _ method: HTTPRequest.Method, _ url: String, headers: HTTPFields, body: [UInt8]?, maximumBytes: Int,
        timeout: Duration
    ) async throws(Refusal) -> Client.Response
}

extension Client: WebClient {}

extension WebClient {
    /// Sends one request; the answer is at most 1 MiB and comes within 30 seconds.
    package func send(
        _ method: HTTPRequest.Method, _ url: String, headers: HTTPFields, body: [UInt8]?
    ) async throws(Refusal) -> Client.Response {
        try await send(method, url, headers: headers, body: body, maximumBytes: 1 << 20, timeout: .seconds(30))
    }
}
