import Encoding
import HTTPTypes
import ServiceKit

/// A refused request in the body of the documented interface: `{"error":"<what was tried>\n<advice>: <cause>"}`.
///
/// Always one object with one string, where the original sometimes sends none or two (sidecars page section 4).
struct SidecarError: Error {
    /// What was being done, by the names that clients know.
    enum Step: String {
        case request = "invalid request format"
        case runtimeData = "decoding base64-encoded runtime data of request failed"
        case attestation = "attestation failed"
        case release = "secure key release failed"
        case report = "fetching the report failed"
    }

    var status: Int
    var step: Step
    var cause: Refusal

    /// The four lines that every error carries.
    static let advice =
        "ERROR: Please refer to the documentation for more information on how to use this sidecar.\n"
        + "ACI: Documentation/key-release-sidecar.md#a-container-group\n"
        + "KATA: Documentation/key-release-sidecar.md#kubernetes\n"
        + "Troubleshooting: Documentation/key-release-sidecar.md#when-it-refuses"

    var text: String { "\(step.rawValue)\n\(Self.advice): \(cause)" }

    /// The answer, which also names the refusal in our own header.
    var response: ServerResponse {
        var response = ServerResponse.json(["error": .string(text)], status: status)
        response.headers[.cloisterRefusal] = cause.name
        return response
    }
}
