package import Encoding
import HTTPTypes

/// Who may read the metrics of a service: how often which operation was refused is nothing for strangers (AC-155).
package enum MetricsReaders: Hashable, Sendable {
    /// Whoever reaches the listener.
    case everybody
    /// Whoever has the bearer token with this digest.
    case bearer(Digest)
    case nobody

    /// Shortest token that is taken, in characters.
    static let minimumLength = 32

    /// Without a token: everybody where only this machine reaches the listener, elsewhere nobody.
    init(host: String) {
        self = host == "localhost" || host == "::1" || host.hasPrefix("127.") ? .everybody : .nobody
    }

    /// - Parameter path: a file with one bearer token, of mode 0600.
    init(tokenFile path: String) throws(ConfigurationError) {
        do throws(Refusal) {
            let token = try TokenFile.read(path)
            guard token.utf8.count >= Self.minimumLength else {
                throw Refusal(.insecureConfiguration, "it has fewer than \(Self.minimumLength) characters")
            }
            self = .bearer(Digest(of: token))
        } catch { throw ConfigurationError("listen.metricsToken: \(error.detail)") }
    }

    /// Nil for a request that may read them; otherwise the answer.
    package func refuse(_ request: ServerRequest) -> ServerResponse? {
        switch self {
        case .everybody: return nil
        case .nobody: return .problem(Refusal(.notFound, "there is no such route"), id: request.id)
        case .bearer(let digest):
            let scheme = "bearer "
            let field = request.headers[.authorization] ?? ""
            let presented = Digest(of: String(field.dropFirst(scheme.count)))
            if field.prefix(scheme.count).lowercased() == scheme,
                constantTimeEquals(presented.bytes, digest.bytes)
            {
                return nil
            }
            var response = ServerResponse.problem(
                Refusal(RefusalCode("credential-invalid", status: 401), "metrics need their bearer token"),
                id: request.id)
            response.headers[.wwwAuthenticate] = "Bearer"
            return response
        }
    }
}
