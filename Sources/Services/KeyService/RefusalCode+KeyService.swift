package import Encoding

extension RefusalCode {
    /// The API has the operation, this service does not.
    package static let notImplemented = RefusalCode("not-implemented", status: 501)
    /// The vault's flavour has no keys of that type.
    package static let keyTypeNotAllowed = RefusalCode("key-type-not-allowed", status: 403)
    /// The key was released as often as it may be: for the moment, or, with status 403, for good (AC-073).
    package static let releaseQuota = RefusalCode("release-quota", status: 429)
    /// The key is not for this operation.
    package static let operationNotAllowed = RefusalCode("operation-not-allowed", status: 403)
}
