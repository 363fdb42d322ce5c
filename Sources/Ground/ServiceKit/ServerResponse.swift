package import Encoding
package import HTTPTypes

/// One HTTP answer with its whole body.
package struct ServerResponse: Sendable {
    package var status: Int
    package var headers: HTTPFields
    package var body: [UInt8]

    package init(status: Int, headers: HTTPFields = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// JSON with sorted names.
    package static func json(_ value: JSON, status: Int = 200, contentType: String = "application/json")
        -> ServerResponse
    {
        ServerResponse(status: status, headers: [.contentType: contentType], body: value.canonical)
    }

    /// The problem document of a refusal (RFC 9457; threat model section 7).
    ///
    /// - Parameter id: the request id, which the audit event carries too.
    package static func problem(_ refusal: Refusal, id: String) -> ServerResponse {
        var response = json(
            problemBody(refusal, id: id), status: refusal.code.status, contentType: "application/problem+json")
        response.headers[.cloisterRefusal] = refusal.name
        return response
    }

    /// The members of a problem document.
    package static func problemBody(_ refusal: Refusal, id: String) -> JSON {
        [
            "type": .string("urn:cloister:refusal:\(refusal.name)"),
            "title": .string(refusal.code.name.replacing("-", with: " ")),
            "status": .integer(Int64(refusal.code.status)),
            "detail": .string(refusal.detail),
            "instance": .string(id),
        ]
    }
}

extension HTTPField.Name {
    /// `Cloister-Refusal: <code>[:<part>]` on every refused answer (`formats.md` section 9).
    package static let cloisterRefusal = HTTPField.Name.known("Cloister-Refusal")
}

extension HTTPField.Name {
    /// A name written in the source, which is a valid token by construction.
    package static func known(_ name: StaticString) -> HTTPField.Name {
        guard let name = HTTPField.Name(name.description) else {
            preconditionFailure("not a header name")
        }
        return name
    }
}
