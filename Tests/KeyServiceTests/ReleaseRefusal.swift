import Encoding
import Testing

/// What the API says of a token that cannot be verified, and of one that does not satisfy the policy; clients match it.
let refusedStatement = "Target environment attestation statement cannot be verified."
let refusedPolicy = "Target environment attestation does not meet key release policy requirements."

/// Checks that nothing was released, in the form that the API gives to a bad token.
func expectRefused(
    _ answer: Answer, _ refusal: String, _ message: String, location: SourceLocation = #_sourceLocation
) {
    #expect(answer.status == 403, sourceLocation: location)
    #expect(answer.code == "Forbidden", sourceLocation: location)
    #expect(answer.json["error"]?["innererror"]?["code"] == "AccessDenied", sourceLocation: location)
    #expect(answer.message == message, sourceLocation: location)
    #expect(answer.refusal == refusal, sourceLocation: location)
    #expect(answer.json["value"] == nil, sourceLocation: location)
}
