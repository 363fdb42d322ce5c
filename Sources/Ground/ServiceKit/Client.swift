import AsyncHTTPClient
package import Encoding
package import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOSSL

/// HTTPS to other services: TLS 1.3, own trust roots, bounded answers, kept-alive connections.
///
/// Transport security is not what Cloister relies on for confidentiality; what is secret is encapsulated above it.
package final class Client: Sendable {
    package struct Response: Sendable {
        package var status: Int
        package var headers: HTTPFields
        package var body: [UInt8]

        package init(status: Int, headers: HTTPFields, body: [UInt8]) {
            self.status = status
            self.headers = headers
            self.body = body
        }
    }

    private let client: HTTPClient

    /// - Parameters:
    ///   - authorities: PEM file of the certificate authorities to accept; nil for the system's.
    ///   - allowsTLS12: for services of others, which may not have anything newer.
    /// - Throws: when the file cannot be read.
    package init(authorities: String?, allowsTLS12: Bool = false) throws {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = allowsTLS12 ? .tlsv12 : .tlsv13
        if let authorities { tls.trustRoots = .file(authorities) }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5), read: .seconds(60)))
        configuration.httpVersion = .http1Only
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Sends one request and reads the whole answer, whatever its status.
    ///
    /// - Throws: `unavailable` when there is no answer in time, `too-large` when it is over `maximumBytes`.
    package func send(
        _ method: HTTPRequest.Method, _ url: String, headers: HTTPFields = [:], body: [UInt8]? = nil,
        maximumBytes: Int = 1 << 20, timeout: Duration = .seconds(30)
    ) async throws(Refusal) -> Response {
        var request = HTTPClientRequest(url: url)
        request.method = .init(rawValue: method.rawValue)
        for field in headers { request.headers.add(name: field.name.rawName, value: field.value) }
        if let body { request.body = .bytes(body) }
        do {
            let answer = try await client.execute(
                request,
                timeout: .milliseconds(
                    timeout.components.seconds * 1_000 + timeout.components.attoseconds / 1_000_000_000_000_000))
            var bytes: [UInt8] = []
            for try await var chunk in answer.body {
                guard bytes.count + chunk.readableBytes <= maximumBytes else {
                    throw Refusal(.tooLarge, "the answer is over \(maximumBytes) bytes")
                }
                bytes += chunk.readBytes(length: chunk.readableBytes) ?? []
            }
            var fields = HTTPFields()
            for (name, value) in answer.headers {
                if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
            }
            return Response(status: Int(answer.status.code), headers: fields, body: bytes)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.unavailable, "no answer from \(Client.host(of: url)): \(type(of: error))")
        }
    }

    deinit {
        // The library ends the process when a client goes away open, as it would where a start fails half-way.
        // Detached, since nobody is left to wait.
        let client = client
        Task.detached { try? await client.shutdown() }
    }

    /// Closes all connections; the client cannot be used afterwards.
    package func shutdown() async {
        try? await client.shutdown()
    }

    private static func host(of url: String) -> Substring {
        let rest = url.split(separator: "://", maxSplits: 1).last ?? ""
        return rest.prefix { $0 != "/" && $0 != "?" }
    }
}

extension RefusalCode {
    /// A service that is needed does not answer: fail closed, try again later.
    package static let unavailable = RefusalCode("unavailable", status: 503)
}
