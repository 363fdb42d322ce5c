import Encoding
import ServiceKit

/// The members of a request body; which of them a route needs is the route's to say.
struct SidecarRequest: Sendable {
    private let members: [String: JSON]

    /// Longest body that is read, in bytes: runtime data of some hundred KB in base64.
    static let maximumBytes = 1 << 20

    /// - Throws: `request-malformed`, `too-large`.
    init(_ request: ServerRequest) async throws(SidecarError) {
        do throws(Refusal) {
            let body = try await request.body(maximumBytes: Self.maximumBytes)
            let json: JSON
            do throws(JSON.ParseError) { json = try JSON.parse(body) } catch {
                throw Refusal(.requestMalformed, "\(error)")
            }
            guard let members = json.object else { throw Refusal(.requestMalformed, "the body is not an object") }
            self.members = members
        } catch {
            throw SidecarError(status: error.code == .tooLarge ? 413 : 400, step: .request, cause: error)
        }
    }

    /// A member that has to be there and must not be empty.
    func required(_ name: String) throws(SidecarError) -> String {
        guard let text = try optional(name) else {
            throw Self.malformed("member \(name) is required")
        }
        return text
    }

    /// A member that may be absent or empty.
    func optional(_ name: String) throws(SidecarError) -> String? {
        guard let value = members[name], value != .null, value != .string("") else { return nil }
        guard let text = value.string else { throw Self.malformed("member \(name) is not a string") }
        return text
    }

    /// The member `runtime_data`, decoded from standard base64 with padding.
    func runtimeData() throws(SidecarError) -> [UInt8] {
        guard let bytes = Base64.decode(try required("runtime_data"), .padded) else {
            throw SidecarError(
                status: 400, step: .runtimeData,
                cause: Refusal(.requestMalformed, "illegal base64 data: it is not padded base64 of RFC 4648 section 4"))
        }
        return bytes
    }

    /// A member that names a service.
    func endpoint(_ name: String) throws(SidecarError) -> ServiceEndpoint {
        let text = try required(name)
        do throws(Refusal) { return try ServiceEndpoint(text) } catch {
            throw SidecarError(
                status: 400, step: .request, cause: Refusal(error.code, "member \(name): \(error.detail)"))
        }
    }

    static func malformed(_ detail: String) -> SidecarError {
        SidecarError(status: 400, step: .request, cause: Refusal(.requestMalformed, detail))
    }
}
