import Encoding
import HTTPTypes
import ServiceKit

/// Which web pages may call this service from a browser: those of the configured origins, on attest, certs and
/// discovery only (architecture section 11 rule 37).
struct CrossOrigin: Sendable {
    private let origins: Set<String>

    /// - Parameter origins: exact serialised origins, for example `https://portal.example`.
    init(origins: [String]) {
        self.origins = Set(origins)
    }

    /// The answer to a preflight request; without an allowed origin it permits nothing.
    func preflight(_ request: ServerRequest) -> ServerResponse {
        var response = ServerResponse(status: 204)
        apply(to: &response, for: request)
        if response.headers[.accessControlAllowOrigin] != nil {
            response.headers[.accessControlAllowMethods] = "GET, POST"
            response.headers[.accessControlAllowHeaders] = "Content-Type"
            response.headers[.accessControlMaxAge] = "600"
        }
        return response
    }

    /// Lets the page read the answer, and its refusal.
    func apply(to response: inout ServerResponse, for request: ServerRequest) {
        response.headers[.vary] = "Origin"
        guard let origin = request.headers[.origin], origins.contains(origin) else { return }
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.accessControlExposeHeaders] = "Cloister-Refusal, Cloister-Request"
    }
}
