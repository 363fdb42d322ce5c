package import Encoding

extension RefusalCode {
    /// No bearer token, or one that this service does not know (AC-146).
    package static let credentialInvalid = RefusalCode("credential-invalid", status: 401)
    /// The bearer's rights do not cover the operation (AC-146).
    package static let scopeInsufficient = RefusalCode("scope-insufficient", status: 403)
    /// The API has the operation, this service does not yet.
    package static let notImplemented = RefusalCode("not-implemented", status: 501)
}
