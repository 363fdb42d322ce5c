import Encoding
import ServiceKit

/// One request with what was already read from it.
struct Call: Sendable {
    let request: ServerRequest
    let endpoint: KeyEndpoint
    let api: APIVersion
    let bytes: [UInt8]

    func body() throws(APIError) -> KeyBody { try KeyBody(parsing: bytes) }
}
